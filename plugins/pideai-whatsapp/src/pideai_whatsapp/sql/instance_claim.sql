-- Take a name for a store, if it is no other's; touches a row exactly if it is the store's now.
INSERT INTO pideai_whatsapp.instances AS i (name, store_id)
VALUES (lower(%(instance_name)s::text), %(store_id)s)
ON CONFLICT (name) DO UPDATE SET store_id = excluded.store_id WHERE i.store_id = excluded.store_id

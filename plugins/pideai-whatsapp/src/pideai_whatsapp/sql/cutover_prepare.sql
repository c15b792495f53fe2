-- From now on the host waits with these stores' changes, until it is decided whose they are.
INSERT INTO pideai_whatsapp.cutovers AS c (store_id, state)
SELECT s, 'preparing' FROM unnest(%(stores)s::uuid[]) AS s
    ON CONFLICT (store_id) DO UPDATE SET state = 'preparing', since = now()
 WHERE c.state <> 'cut_over'

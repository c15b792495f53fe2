-- A phone wants no advertising of this store; who was first to say so stays.
INSERT INTO pideai_whatsapp.opt_outs (store_id, phone, line, by)
VALUES (%(store_id)s, %(phone)s, %(line)s, %(by)s)
ON CONFLICT (store_id, line) DO NOTHING

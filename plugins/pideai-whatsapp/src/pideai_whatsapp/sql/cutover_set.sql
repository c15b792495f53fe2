-- Move stores from one state to another; those that are in neither are left alone.
UPDATE pideai_whatsapp.cutovers
   SET state = %(state)s, since = now()
 WHERE store_id = ANY (%(stores)s::uuid[]) AND state = %(before)s

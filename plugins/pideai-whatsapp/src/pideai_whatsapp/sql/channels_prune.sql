-- Forget what is no longer needed to tell a repeat, and counts that nobody asks for any more; a little at a time.
WITH old AS (
    DELETE FROM pideai_whatsapp.inbound i
     WHERE i.ctid = ANY (ARRAY(
           SELECT o.ctid FROM pideai_whatsapp.inbound o WHERE o.heard_at < now() - interval '14 days' LIMIT 1000))
)
DELETE FROM pideai_whatsapp.counts c WHERE c.day < current_date - 90

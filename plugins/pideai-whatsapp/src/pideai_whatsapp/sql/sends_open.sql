-- Messages of some texts that a provider may have taken over without our knowing its id, and which ids are known already.
SELECT s.message_id, s.phone, encode(s.text_sha256, 'hex') AS text_sha256, s.state, s.delivery_id
  FROM pideai_whatsapp.sends s
 WHERE s.store_id = %(store_id)s AND s.state IN ('claimed', 'unknown') AND s.provider_message_id IS NULL
   AND s.text_sha256 = ANY (%(hashes)s::bytea[])
   AND s.created_at > now() - interval '1 day'
   AND NOT EXISTS (SELECT FROM pideai_whatsapp.sends k
                    WHERE k.store_id = %(store_id)s AND k.provider_message_id = ANY (%(ids)s::text[]))
 -- One that is being sent now comes before one that was lost earlier.
 ORDER BY s.state, s.claimed_at DESC
 LIMIT 100

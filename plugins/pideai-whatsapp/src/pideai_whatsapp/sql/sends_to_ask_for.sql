-- Messages that were taken at about one of some ages ago and have not arrived by anybody's word, by store.
SELECT s.store_id, (array_agg(s.provider_message_id ORDER BY s.claimed_at))[:%(limit)s] AS ids
  FROM pideai_whatsapp.sends s
  JOIN public.whatsapp_messages m ON m.id = s.message_id AND m.store_id = s.store_id
 WHERE s.provider = 'twilio' AND s.state = 'accepted' AND s.provider_message_id IS NOT NULL
   AND m.status IN ('pending', 'sent')
   AND s.claimed_at > now() - (SELECT max(a) + %(width_s)s FROM unnest(%(ages_s)s::float8[]) a) * interval '1 second'
   AND EXISTS (SELECT FROM unnest(%(ages_s)s::float8[]) a
                WHERE s.claimed_at > now() - (a + %(width_s)s) * interval '1 second'
                  AND s.claimed_at <= now() - a * interval '1 second')
 GROUP BY s.store_id

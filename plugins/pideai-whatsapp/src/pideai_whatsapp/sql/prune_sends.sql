-- What was settled long ago tells nobody anything any more: no receipt comes that late, and no delivery is replayed.
DELETE FROM pideai_whatsapp.sends s
 WHERE s.message_id IN (SELECT o.message_id
                          FROM pideai_whatsapp.sends o
                         WHERE o.created_at < now() - %(after_days)s * interval '1 day'
                           AND o.state IN ('accepted', 'refused', 'unknown')
                         LIMIT %(limit)s)

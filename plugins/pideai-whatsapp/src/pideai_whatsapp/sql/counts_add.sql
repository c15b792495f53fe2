-- Add up what processes counted; rows are locked in one order.
INSERT INTO pideai_whatsapp.counts AS c (store_id, day, what, times)
SELECT t.store_id, (now() AT TIME ZONE 'UTC')::date, t.what, t.times
  FROM jsonb_to_recordset(%(counts)s::jsonb) AS t (store_id uuid, what text, times bigint)
 ORDER BY t.store_id, t.what
ON CONFLICT (store_id, day, what) DO UPDATE SET times = c.times + excluded.times

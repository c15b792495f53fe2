-- A store's credits as of now: a month that has begun since the last movement counts as begun, and a store without a row
-- has what it would be given with its first message.
SELECT c.monthly_credits, c.extra_credits, c.used AS credits_used,
       greatest(c.monthly_credits - c.used + c.extra_credits, 0) AS credits_available,
       (date_trunc('month', current_date) + interval '1 month')::date AS renews_on
  FROM (SELECT coalesce(w.monthly_credits, 50) AS monthly_credits,
               coalesce(w.extra_credits, 0) AS extra_credits,
               CASE WHEN w.last_reset_date < date_trunc('month', current_date)::date THEN 0
                    ELSE coalesce(w.credits_used_this_month, 0) END AS used
          FROM (SELECT %(store_id)s::uuid AS store_id) s
          LEFT JOIN public.whatsapp_credits w ON w.store_id = s.store_id) c

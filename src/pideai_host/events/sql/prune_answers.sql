-- Forget answers that were kept for a day: from then on their keys are free.
delete from pideai_host.kept_answers
where (user_id, store_id, key) in (
  select user_id, store_id, key from pideai_host.kept_answers
  where begun_at < now() - interval '24 hours'
  order by begun_at
  limit %(limit)s)

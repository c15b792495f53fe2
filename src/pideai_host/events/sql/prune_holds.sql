-- Forget what deliveries held of credits once they cannot come back: when all weeks of the log that they may be in have been
-- dropped. A hold is younger than its delivery, so one from before the oldest week that is left belongs to none of them.
-- Found by age (BRIN).
with horizon as materialized (
  select least(
    now() - make_interval(days => %(days)s),
    (select min((regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz)
     from pg_inherits i
     join pg_class c on c.oid = i.inhrelid
     where i.inhparent = 'public.plugin_events_log'::regclass)) as at
)
delete from pideai_host.credit_holds h
where (h.store_id, h.plugin, h.delivery_id) in (
    select o.store_id, o.plugin, o.delivery_id
    from pideai_host.credit_holds o
    where o.updated_at < (select at from horizon)
    limit %(limit)s)
  and h.updated_at < (select at from horizon)

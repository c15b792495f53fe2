-- What changed of a store's deliveries and notices after a position, in the order of (transaction, kind, id), as far as all
-- transactions before it are over: those below the oldest that still runs, or below `floor`, which is the oldest that can
-- still be meant (docs/adr/0035). A row counts with its last change only.
--
-- The change of a young delivery is found among the store's young ones, at most `examined` of them; that of an older one,
-- and a notice, by an index. `young_since` lies before the position by as long as a delivery is young.
with edge as materialized (
  -- A snapshot's xmax is only the first that had not ended; how far it lies behind the next to begin tells its age.
  select greatest(pg_snapshot_xmin(s), %(floor)s::text::xid8) as upto,
         pg_snapshot_xmax(s)::text::numeric + age(pg_snapshot_xmax(s)::xid) as next,
         floor(extract(epoch from now()))::bigint as at
  from (select pg_current_snapshot() as s) as taken
),
young as materialized (
  select d.id, d.created_at, d.changed_xid
  from public.plugin_events_log d
  where d.store_id = %(store_id)s and d.created_at > to_timestamp(%(young_since)s)
  order by d.created_at desc, d.id desc
  limit %(examined)s
),
found as (
  select y.changed_xid as xid, 0 as kind, y.id::text collate "C" as id, y.id as delivery_id, y.created_at, null::bigint as notice_id
  from young y
  where y.changed_xid >= %(xid)s::text::xid8 and y.changed_xid < (select upto from edge)
  union all
  (select d.late_xid, 0, d.id::text collate "C", d.id, d.created_at, null
   from public.plugin_events_log d
   where d.store_id = %(store_id)s and d.late_xid >= %(xid)s::text::xid8 and d.late_xid < (select upto from edge)
     and d.created_at <= to_timestamp(%(young_since)s)
     and (d.late_xid, 0, d.id::text collate "C") > (%(xid)s::text::xid8, %(kind)s, %(id)s)
   order by d.late_xid, d.id::text collate "C"
   limit %(limit)s)
  union all
  (select n.xid, 1, n.id::text collate "C", null, null, n.id
   from pideai_host.notices n
   where n.store_id = %(store_id)s and n.xid >= %(xid)s::text::xid8 and n.xid < (select upto from edge)
     and (n.xid, 1, n.id::text collate "C") > (%(xid)s::text::xid8, %(kind)s, %(id)s)
   order by n.xid, n.id::text collate "C"
   limit %(limit)s)
),
page as materialized (
  select *
  from found
  where (xid, kind, id) > (%(xid)s::text::xid8, %(kind)s, %(id)s::text collate "C")
  order by xid, kind, id
  limit %(limit)s
)
select e.upto::text, e.next::text, e.at, (select count(*) from young) as examined,
       -- whether there is more already, behind a transaction that still runs
       exists (select from young y where y.changed_xid >= e.upto)
         or exists (
           select from public.plugin_events_log d where d.store_id = %(store_id)s and d.late_xid >= e.upto)
         or exists (select from pideai_host.notices o where o.store_id = %(store_id)s and o.xid >= e.upto) as is_behind,
       p.xid::text, p.kind, p.id as key,
       d.id, d.event_id, (select s.slug from public.plugins s where s.id = d.plugin_id) as plugin, d.installation_id,
       d.event_type, d.status, d.attempts, d.response_code, d.error_message as error,
       case when d.status <> 'pending'
            then jsonb_path_query_array(d.history, '$[*] ? (!exists(@.late))') -> -1 ->> 'reason' end as reason,
       d.park_reason, d.next_attempt_at,
       d.created_at, d.processed_at, d.replay_of, d.replayed_at, d.is_late,
       n.id as notice_id, n.at as notice_at, n.plugin as notice_plugin, n.level, n.message
from edge e
left join page p on true
left join lateral (
  select * from public.plugin_events_log l where l.id = p.delivery_id and l.created_at = p.created_at limit 1
) as d on true
left join pideai_host.notices n on n.id = p.notice_id
order by p.xid, p.kind, p.id

-- Count the lanes and keep what was counted; lanes that are gone are forgotten.
with looked as materialized (
  select * from pideai_host.look_at_lanes(%(most)s)
), gone as (
  delete from pideai_host.lane_depths d where not exists (select from looked l where l.lane = d.lane)
)
insert into pideai_host.lane_depths as d (lane, ready, claimed, oldest_at, is_capped)
select lane, ready, claimed, oldest_at, is_capped from looked
on conflict (lane) do update set
  ready = excluded.ready, claimed = excluded.claimed, oldest_at = excluded.oldest_at,
  is_capped = excluded.is_capped, looked_at = now()
returning lane, ready, claimed, extract(epoch from now() - oldest_at)::double precision as oldest_s

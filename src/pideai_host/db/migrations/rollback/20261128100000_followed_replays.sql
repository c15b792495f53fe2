drop index if exists pideai_host.replay_watch_under_way;
drop index if exists pideai_host.replays_followed;
delete from pideai_host.replay_watch where is_parked;
alter table pideai_host.replay_watch drop column if exists is_parked;
alter table pideai_host.replays drop column if exists is_followed, drop column if exists parked_after;

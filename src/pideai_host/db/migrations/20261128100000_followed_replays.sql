-- What a replay has parked, and what one that was cancelled had queued, is followed after the replay's end: what became of it
-- is told however late it comes.

alter table pideai_host.replays
  add column if not exists is_followed boolean not null default false, -- it is over, and what it replayed is not all settled
  add column if not exists parked_after uuid; -- up to here the last look at what it parked has come; null: begin again
alter table pideai_host.replay_watch
  add column if not exists is_parked boolean not null default false; -- counted as parked: in no lane when it was looked at

create index if not exists replays_followed on pideai_host.replays (paced_at) where is_followed;
-- What is under way stays a few hundred rows, however much is parked.
create index if not exists replay_watch_under_way on pideai_host.replay_watch (replay_id) where not is_parked;

update pideai_host.replays r
set is_followed = true
where r.status = 'cancelled' and not r.is_followed
  and exists (select from pideai_host.replay_watch w where w.replay_id = r.id);

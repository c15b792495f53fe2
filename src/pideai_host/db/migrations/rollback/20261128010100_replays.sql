drop table if exists pideai_host.replay_watch;
drop table if exists pideai_host.replays;

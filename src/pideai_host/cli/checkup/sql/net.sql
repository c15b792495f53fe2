-- Whether rows fell into the net below the partitions, and whether next week has one. The net itself may not be read here.
select pg_relation_size('pideai_host.plugin_events_default') + pg_relation_size('pideai_host.plugin_events_log_default') > 0
         as has_fallen,
       to_regclass(format('pideai_host.%I', 'plugin_events_log_'
         || to_char(date_trunc('week', now() at time zone 'utc') + interval '1 week', 'IYYY"w"IW'))) is not null as has_next

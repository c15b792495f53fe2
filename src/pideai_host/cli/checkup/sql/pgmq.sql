-- Whether the queue engine is there, and which version; null where it was installed from its SQL.
select to_regclass('pgmq.meta') is not null as is_there,
       (select extversion from pg_extension where extname = 'pgmq') as version

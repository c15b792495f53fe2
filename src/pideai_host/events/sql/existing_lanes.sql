-- The queues whose table is there and may be used: one dropped by hand leaves its name behind.
select queue_name
from pgmq.meta
where has_table_privilege(to_regclass(format('pgmq.%I', 'q_' || queue_name)), 'delete')

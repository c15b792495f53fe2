update public.store_plugins set installed_at = now() - %(installed_for)s;
update pgmq.q_pideai_webhook_bridge set read_ct = 3
where msg_id in (select msg_id from pgmq.q_pideai_webhook_bridge order by msg_id limit 5);
insert into pideai_host.captured_changes (operation, table_schema, table_name, record)
select 'INSERT', 'public', 'orders', r.record || jsonb_build_object('id', gen_random_uuid())
from jsonb_array_elements(%(records)s::jsonb) as r (record);
insert into pideai_host.event_ids (id, created_at)
select gen_random_uuid(), now() - interval '15 days' from generate_series(1, 1000)

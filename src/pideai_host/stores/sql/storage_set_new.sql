insert into pideai_host.plugin_storage (store_id, plugin, key, value)
values (%(store_id)s, %(plugin)s, %(key)s, %(value)s::jsonb)
on conflict (store_id, plugin, key) do nothing

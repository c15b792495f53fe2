insert into pideai_host.credits (store_id, plugin) values (%(store_id)s, %(plugin)s)
on conflict (store_id, plugin) do nothing

insert into pideai_host.notices (store_id, plugin, level, message)
values (%(store_id)s, %(plugin)s, %(level)s, %(message)s)

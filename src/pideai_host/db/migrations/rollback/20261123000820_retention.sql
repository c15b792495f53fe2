drop function if exists pideai_host.drop_old_partitions(integer);

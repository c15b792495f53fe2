-- Take the oldest captured changes. Skip locked: any number of workers may do it, and none waits for another. They are
-- back if the transaction does not commit.
delete from pideai_host.captured_changes
where id = any (array(
  select id from pideai_host.captured_changes order by id limit %(limit)s for update skip locked))
returning id, operation, table_schema, table_name, record::text, old_record::text

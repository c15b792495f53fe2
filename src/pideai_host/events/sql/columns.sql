-- The columns that a table has here; none for one that does not exist. Production differs a little from any copy.
select attname::text from pg_attribute
where attrelid = to_regclass(%(table)s) and attnum > 0 and not attisdropped

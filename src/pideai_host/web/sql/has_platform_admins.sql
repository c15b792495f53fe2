-- Whether PideAI's table of staff is there, with the columns that are asked for, and may be read as a user.
select exists (
  select
  from pg_class c
  where c.oid = to_regclass('public.platform_admins')
    and has_table_privilege('authenticated', c.oid, 'select')
    and (
      select count(*) = 2
      from pg_attribute a
      where a.attrelid = c.oid and a.attname in ('user_id', 'is_active') and not a.attisdropped
    )
)

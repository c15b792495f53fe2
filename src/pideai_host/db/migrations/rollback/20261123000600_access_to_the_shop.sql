do $$
declare
  made record;
begin
  for made in
    select tablename, policyname from pg_policies
    where schemaname = 'public' and policyname in ('pideai_host_select', 'pideai_host_insert', 'pideai_host_update')
  loop
    execute format('drop policy %I on public.%I', made.policyname, made.tablename);
    execute format('revoke all on public.%I from pideai_host', made.tablename);
  end loop;
end
$$;

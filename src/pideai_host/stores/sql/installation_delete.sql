with gone as (
  delete from public.store_plugins where id = %(id)s returning id, store_id, state
),
noted as (
  insert into pideai_host.installation_states (store_id, plugin, installation_id, from_state, reason)
  select store_id, %(plugin)s, id, state, %(reason)s from gone
)
select 1 from gone

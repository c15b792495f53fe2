-- As it was.
create or replace function pideai_whatsapp.side_of(p_store uuid, p_order uuid, p_status text, p_version timestamptz)
returns text language sql stable set search_path = '' as $$
  select coalesce(
    (select c.side
     from pideai_whatsapp.cutover_changes c
     where c.order_id = p_order and c.status = p_status and c.version = p_version and c.store_id = p_store),
    (select case c.state when 'preparing' then 'wait' when 'cut_over' then 'host' else 'triggers' end
     from pideai_whatsapp.cutovers c
     where c.store_id = p_store),
    'host')
$$;

-- As in 004_cutover. Each message asks, and a function in plain SQL is planned anew for each call; this one once a session.
create or replace function pideai_whatsapp.side_of(p_store uuid, p_order uuid, p_status text, p_version timestamptz)
returns text language plpgsql stable set search_path = '' as $$
begin
  return coalesce(
    (select c.side
     from pideai_whatsapp.cutover_changes c
     where c.order_id = p_order and c.status = p_status and c.version = p_version and c.store_id = p_store),
    (select case c.state when 'preparing' then 'wait' when 'cut_over' then 'host' else 'triggers' end
     from pideai_whatsapp.cutovers c
     where c.store_id = p_store),
    'host');
end
$$;

-- The runtime role may also write a store's new campaigns down; the rest of what it may do is in access_to_the_shop.
do $$
begin
  if to_regclass('public.whatsapp_campaigns') is null then
    return;
  end if;
  grant insert on public.whatsapp_campaigns to pideai_host;
  drop policy if exists pideai_host_insert on public.whatsapp_campaigns;
  create policy pideai_host_insert on public.whatsapp_campaigns for insert to pideai_host with check (true);
end
$$;

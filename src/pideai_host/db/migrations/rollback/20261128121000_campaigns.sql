do $$
begin
  if to_regclass('public.whatsapp_campaigns') is not null then
    drop policy if exists pideai_host_insert on public.whatsapp_campaigns;
    revoke insert on public.whatsapp_campaigns from pideai_host;
  end if;
end
$$;

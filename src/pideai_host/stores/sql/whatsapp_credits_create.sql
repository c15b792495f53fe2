-- With the table's own defaults, as the shop makes it.
insert into public.whatsapp_credits (store_id) values (%(store_id)s) on conflict (store_id) do nothing

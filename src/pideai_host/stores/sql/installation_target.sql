-- What an installation needs to know first: is there such a store, is the plugin on offer, has the store installed it?
select exists (select from public.stores where id = %(store_id)s) as has_store,
       (select id from public.plugins where slug = %(slug)s and is_active) as plugin_id,
       exists (
         select from public.store_plugins sp join public.plugins p on p.id = sp.plugin_id
         where sp.store_id = %(store_id)s and p.slug = %(slug)s) as is_installed

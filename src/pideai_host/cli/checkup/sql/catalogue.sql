-- The catalogue, as the last sync left it.
select slug, version, is_active from public.plugins

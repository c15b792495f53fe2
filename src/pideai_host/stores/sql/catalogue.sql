select id, slug, name, description, type, version, icon_url, coalesce(is_internal, true) as is_internal,
       coalesce(is_active, false) as is_active, coalesce(config_schema, '{{}}') as config_schema,
       coalesce(required_events, '{{}}') as required_events, coalesce(pricing_model, 'free') as pricing_model,
       config_version, module, ordered
from public.plugins
where {which}
order by slug

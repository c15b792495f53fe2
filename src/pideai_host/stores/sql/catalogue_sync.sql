-- Write what the loaded plugins declare. A new row is active; whether an existing one is, stays the operator's choice.
-- Rows of plugins that are not loaded are left alone, and so is a row that says the same already.
insert into public.plugins as p
  (slug, name, description, type, version, icon_url, config_schema, required_events, pricing_model, config_version,
   module, ordered, is_internal)
select d.*, true
from jsonb_to_recordset(%(definitions)s::jsonb) as d (
  slug text, name text, description text, type text, version text, icon_url text, config_schema jsonb,
  required_events text[], pricing_model text, config_version integer, module text, ordered boolean)
order by d.slug
on conflict (slug) do update
set name = excluded.name, description = excluded.description, type = excluded.type, version = excluded.version,
    icon_url = excluded.icon_url, config_schema = excluded.config_schema, required_events = excluded.required_events,
    pricing_model = excluded.pricing_model, config_version = excluded.config_version, module = excluded.module,
    ordered = excluded.ordered, is_internal = excluded.is_internal, updated_at = now()
where (p.name, p.description, p.type, p.version, p.icon_url, p.config_schema, p.required_events, p.pricing_model,
       p.config_version, p.module, p.ordered, p.is_internal)
  is distinct from
      (excluded.name, excluded.description, excluded.type, excluded.version, excluded.icon_url, excluded.config_schema,
       excluded.required_events, excluded.pricing_model, excluded.config_version, excluded.module, excluded.ordered,
       excluded.is_internal)
returning slug, p.xmax = 0 as is_new

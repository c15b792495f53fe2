-- What was left half-way and is due, the longest first; only of plugins whose hooks can be called here.
select sp.store_id, p.slug
from public.store_plugins sp
join public.plugins p on p.id = sp.plugin_id
where sp.transition is not null and sp.transition_due_at <= now() and p.slug = any (%(slugs)s)
order by sp.transition_due_at
limit %(limit)s

-- Bring what is due back into its lane; the function says how (migration 20261128140000).
select * from pideai_host.promote_due(%(limit)s::integer, %(lanes)s::text[])

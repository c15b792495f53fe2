-- What the storefront stored in a cart has no limit of its own: beyond 100,000 characters it is left out.
select c.id,
       (case when length(c.cart_data::text) > 100000 then to_jsonb(c) - 'cart_data' else to_jsonb(c) end)::text as record,
       null as old_record
from public.abandoned_carts c
where c.id = any (%(ids)s)

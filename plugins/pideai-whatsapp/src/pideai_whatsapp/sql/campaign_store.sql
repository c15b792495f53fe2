-- What a campaign's text may name of its store.
SELECT s.name, s.subdomain, to_jsonb(s) ->> 'country' AS country FROM public.stores s WHERE s.id = %(store_id)s

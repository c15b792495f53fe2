-- A store as its customers know it; columns that production may lack are read through to_jsonb.
SELECT s.name,
       s.subdomain,
       coalesce(nullif(s.address, ''), s.store_address_full, '') AS address,
       to_jsonb(s) ->> 'country' AS country,
       s.currency,
       s.thousands_separator,
       s.decimal_separator,
       s.decimal_places,
       s.delivery_label,
       s.pickup_label,
       s.digital_menu_label
  FROM public.stores s
 WHERE s.id = %(store_id)s

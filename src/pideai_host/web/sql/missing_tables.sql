select name from unnest(%(names)s::text[]) as name where to_regclass(name) is null order by 1

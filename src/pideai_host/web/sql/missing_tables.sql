-- Tables and functions that are not there.
select name from unnest(%(names)s::text[]) as name where to_regclass(name) is null and to_regproc(name) is null order by 1

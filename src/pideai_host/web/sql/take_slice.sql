-- Take a slice of a window, and tell how much is taken with it, by all: what lies below the limit of the slice is one's
-- own. A late statement of the window before counts in the one that has begun.
with clock as materialized (
  select floor(extract(epoch from clock_timestamp()) / %(window_s)s)::bigint as number
)
insert into pideai_host.request_windows as w (kind, id, number, spent)
select %(kind)s, %(id)s, number, %(spend)s from clock
on conflict (kind, id) do update set
  number = greatest(w.number, excluded.number),
  spent = case when w.number >= excluded.number then w.spent else 0 end + excluded.spent
returning spent, ((number + 1) * %(window_s)s - extract(epoch from clock_timestamp()))::double precision as left_s

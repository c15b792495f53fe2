-- By age, for the job that forgets old ones; BRIN, since they come in the order of time and one in a hundred is looked for.
create index if not exists credit_holds_age on pideai_host.credit_holds using brin (updated_at)
  with (pages_per_range = 32, autosummarize = on);

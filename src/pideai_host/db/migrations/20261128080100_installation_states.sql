-- What is under way with an installation, written down before its plugin's hooks are called: what a process that is gone
-- left half-way is found again, and finished or undone (docs/adr/0032).

alter table public.store_plugins
  add column if not exists transition text,              -- null: nothing is under way
  add column if not exists transition_since timestamptz,
  add column if not exists transition_reason text,       -- why the last try to finish or undo it failed, for the owner
  add column if not exists transition_tries integer not null default 0,
  add column if not exists transition_due_at timestamptz; -- when the scheduler tries it; null with a transition: given up

alter table public.store_plugins drop constraint if exists store_plugins_transition_known;
alter table public.store_plugins add constraint store_plugins_transition_known check (
  transition in ('installing', 'enabling', 'reconfiguring', 'disabling', 'uninstalling'));

alter table public.store_plugins add column if not exists state text generated always as (
  case when transition is null then case when enabled then 'enabled' else 'disabled' end
       when transition_due_at is null then 'failed'
       else transition end) stored;
grant select (state, transition_reason) on public.store_plugins to authenticated;

create index if not exists idx_store_plugins_transition on public.store_plugins (transition_due_at)
  where transition is not null;

-- Every change of a state, with its time and reason.
create table if not exists pideai_host.installation_states (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  store_id uuid not null references public.stores (id) on delete cascade,
  plugin text not null,
  installation_id uuid not null,
  from_state text,                      -- null: it was not installed
  to_state text,                        -- null: it is not installed any more
  reason text
);
create index if not exists installation_states_plugin on pideai_host.installation_states (store_id, plugin, id desc);

alter table pideai_host.installation_states enable row level security;
revoke all on pideai_host.installation_states from public;
grant select, insert, delete on pideai_host.installation_states to pideai_host;
drop policy if exists pideai_host_all on pideai_host.installation_states;
create policy pideai_host_all on pideai_host.installation_states to pideai_host using (true) with check (true);

-- Credits, complete: what a delivery holds is settled by its end, and the ledger's amounts add up to what is available.

-- renew: a new month began. adjust: what changed outside of the host, or was there when it first looked.
alter table pideai_host.credit_ledger drop constraint if exists credit_ledger_movement_known;
alter table pideai_host.credit_ledger add constraint credit_ledger_movement_known
  check (movement in ('reserve', 'charge', 'refund', 'grant', 'renew', 'adjust'));
alter table pideai_host.credit_ledger alter column credit_type drop not null; -- null: of both kinds
alter table pideai_host.credit_ledger add column if not exists reference text; -- a grant's idempotency key
alter table pideai_host.credit_ledger add column if not exists granted integer; -- how many a grant was of
comment on column pideai_host.credit_ledger.amount is 'what it changes of what is available';
create unique index if not exists credit_ledger_reference on pideai_host.credit_ledger (store_id, plugin, reference)
  where reference is not null;

-- kept: its delivery ended without anybody knowing whether it had its effect.
alter table pideai_host.credit_holds drop constraint if exists credit_holds_state_known;
alter table pideai_host.credit_holds add constraint credit_holds_state_known
  check (state in ('reserved', 'charged', 'refunded', 'kept'));
-- What the scheduler looks through: as small as what is under way.
create index if not exists credit_holds_open on pideai_host.credit_holds (updated_at, delivery_id)
  where state = 'reserved';

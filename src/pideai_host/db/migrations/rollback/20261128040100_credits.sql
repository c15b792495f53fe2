drop index if exists pideai_host.credit_holds_open;
drop index if exists pideai_host.credit_ledger_reference;
update pideai_host.credit_holds set state = 'charged' where state = 'kept';
alter table pideai_host.credit_holds drop constraint if exists credit_holds_state_known;
alter table pideai_host.credit_holds add constraint credit_holds_state_known
  check (state in ('reserved', 'charged', 'refunded'));
delete from pideai_host.credit_ledger where movement in ('renew', 'adjust') or credit_type is null;
alter table pideai_host.credit_ledger drop constraint if exists credit_ledger_movement_known;
alter table pideai_host.credit_ledger add constraint credit_ledger_movement_known
  check (movement in ('reserve', 'charge', 'refund', 'grant'));
alter table pideai_host.credit_ledger alter column credit_type set not null;
alter table pideai_host.credit_ledger drop column if exists reference;
alter table pideai_host.credit_ledger drop column if exists granted;

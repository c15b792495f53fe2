-- Not while a trigger leaves stores out: what it was before would be forgotten.
do $$
begin
  if to_regclass('pideai_whatsapp.cutover_triggers') is not null
     and exists (select from pideai_whatsapp.cutover_triggers) then
    raise exception 'stores are cut over' using hint = 'Run `pideai-host whatsapp rollback --all` first.';
  end if;
end
$$;

drop function if exists pideai_whatsapp.switch_sides(text, uuid[], boolean, uuid[], bigint, jsonb, interval);
drop function if exists pideai_whatsapp.note_changes(uuid[], text, timestamptz);
drop function if exists pideai_whatsapp.side_of(uuid, uuid, text, timestamptz);
drop function if exists pideai_whatsapp.is_cutover_pending(uuid);
drop function if exists pideai_whatsapp.triggers_speak(uuid);
drop function if exists pideai_whatsapp.order_triggers();
drop table if exists pideai_whatsapp.cutover_changes;
drop table if exists pideai_whatsapp.cutover_triggers;
drop table if exists pideai_whatsapp.cutover_scope;
drop table if exists pideai_whatsapp.cutovers;

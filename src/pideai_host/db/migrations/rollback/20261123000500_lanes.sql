do $$
declare
  lane text;
begin
  for lane in select queue_name from pgmq.meta where queue_name like 'pideai\_%' loop
    perform pgmq.drop_queue(lane);
  end loop;
  revoke all on pgmq.meta from pideai_host;
  revoke all on schema pgmq from pideai_host;
end
$$;
drop function if exists pideai_host.ensure_lane(text);

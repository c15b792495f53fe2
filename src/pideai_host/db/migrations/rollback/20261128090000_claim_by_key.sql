do $$
begin
  if to_regprocedure('pideai_host.claim_ready(text[], integer[], integer[])') is not null then
    alter function pideai_host.claim_ready(text[], integer[], integer[]) reset enable_seqscan;
    alter function pideai_host.claim_ready(text[], integer[], integer[]) reset enable_hashjoin;
    alter function pideai_host.claim_ready(text[], integer[], integer[]) reset enable_mergejoin;
  end if;
end
$$;

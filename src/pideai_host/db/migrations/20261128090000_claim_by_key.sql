-- A claim finds its deliveries and their events by primary key, in the one partition of each. The planner does not know
-- that all other partitions are passed over, and took a join with the whole log for cheaper while that was short of some
-- hundred thousand rows. So it is told what is known: no other plan is ever better.
alter function pideai_host.claim_ready(text[], integer[], integer[]) set enable_seqscan = off;
alter function pideai_host.claim_ready(text[], integer[], integer[]) set enable_hashjoin = off;
alter function pideai_host.claim_ready(text[], integer[], integer[]) set enable_mergejoin = off;

alter function pideai_host.claim_ready(text[], integer[], integer[]) reset plan_cache_mode;

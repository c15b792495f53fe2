drop function if exists pideai_host.claim(text[], integer[], integer[]);

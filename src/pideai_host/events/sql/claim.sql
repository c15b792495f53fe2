-- One round trip for all lanes; the function says why it is one (migration 20261123000700).
select * from pideai_host.claim(%(lanes)s::text[], %(counts)s::integer[], %(leases)s::integer[])

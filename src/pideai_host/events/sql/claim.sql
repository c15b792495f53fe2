-- One round trip for all lanes; the function says why it is one (migrations 20261123000700 and 20261128050000).
select * from pideai_host.claim_ready(%(lanes)s::text[], %(counts)s::integer[], %(leases)s::integer[])

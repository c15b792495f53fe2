-- Stand-ins for pgcrypto and uuid-ossp, which the embedded server does not ship. What an extension made stays.

create schema if not exists extensions;
grant usage on schema extensions to anon, authenticated, service_role;

do $stand_ins$
begin
  if to_regprocedure('extensions.gen_random_bytes(integer)') is null then
    -- A version 4 UUID fixes 6 of its 128 bits; the hash of two spreads 244 random bits over 32 bytes.
    create function extensions.gen_random_bytes(integer) returns bytea language sql volatile strict as $$
      select substring(
        string_agg(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''::bytea) from 1 for $1
      )
      from generate_series(1, ($1 + 31) / 32)
    $$;
  end if;

  if to_regprocedure('extensions.uuid_generate_v4()') is null then
    create function extensions.uuid_generate_v4() returns uuid language sql volatile as 'select gen_random_uuid()';
  end if;
end
$stand_ins$;

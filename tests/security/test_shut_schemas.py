"""Tables, views, sequences and functions of the host outside of `public` are shut to Supabase's API, and lanes are."""

import pytest
from psycopg import sql
from tests.security.database_of_two import CALLERS, writes


@pytest.mark.parametrize("caller", CALLERS)
async def test_the_hosts_own_tables_lanes_and_partitions_are_shut(database_of_two, caller):
    tables = [one for one in database_of_two.shut if one.kind != "S"]
    sequences = [one for one in database_of_two.shut if one.kind == "S"]
    columns = {
        (schema, name): column
        for schema, name, column in await database_of_two.rows(
            "select table_schema, table_name, min(column_name::text) from information_schema.columns group by 1, 2"
        )
    }
    statements = {f"nextval {one}": sql.SQL("select nextval({})").format(sql.Literal(str(one))) for one in sequences}
    for one in tables:
        statements[f"select {one}"] = sql.SQL("select from {}").format(one.identifier)
        statements |= {f"{what} {one}": it for what, it in writes(one, columns[one.schema, one.name]).items()}

    let_in = [name for name, one in statements.items() if not await database_of_two.is_refused(caller, one)]

    assert {"pideai_host.installation_secrets", "pgmq.q_pideai_whatsapp", "pideai_courier.rides"} <= {
        str(one) for one in tables
    }
    assert any(one.name.startswith("plugin_events_log_2") for one in tables)
    assert let_in == []


async def test_row_security_would_hide_them_even_from_a_role_with_grants(database_of_two):
    """Somebody may expose the schema one day, with the grants that Supabase's page on that has for copying."""
    await database_of_two.connection.execute(
        "grant usage on schema pideai_host, pgmq, pideai_courier, pideai_whatsapp to anon, authenticated;"
        "grant all on all tables in schema pideai_host, pgmq, pideai_courier, pideai_whatsapp to anon, authenticated"
    )
    tables = [one for one in database_of_two.shut if one.kind in "rp"]
    seen = []
    async with database_of_two.acting_as("owner"):
        for one in tables:
            seen += [str(one) for _ in await database_of_two.rows(sql.SQL("select from {}").format(one.identifier))]

    assert seen == []


async def test_every_table_has_row_security_and_a_policy_for_nobody_but_the_host_and_readers(database_of_two):
    unprotected = await database_of_two.rows(
        """select c.oid::regclass::text from pg_class c
        where c.oid::regclass::text = any (%s) and c.relkind in ('r', 'p') and not c.relrowsecurity""",
        [str(one) if one.schema != "public" else one.name for one in database_of_two.relations],
    )
    policies = await database_of_two.rows(
        "select schemaname, tablename, policyname, cmd, roles::text[] from pg_policies where policyname like 'pideai%%'"
        " and (schemaname <> 'public' or tablename = any (%s))",
        [one.name for one in database_of_two.relations if one.schema == "public"],
    )
    strange = [
        one
        for one in policies
        if one[4] != ["pideai_host"] and (one[0], one[3], one[4]) != ("public", "SELECT", ["authenticated"])
    ]

    assert (unprotected, strange) == ([], [])
    assert policies


@pytest.mark.parametrize("caller", CALLERS)
async def test_no_function_of_the_host_can_be_called(database_of_two, caller):
    calls = {}
    for schema, name, kind, _, _, _, types in database_of_two.functions:
        arguments = sql.SQL(", ").join(sql.SQL("null::{}").format(sql.SQL(one)) for one in types)
        verb = sql.SQL("call" if kind == "p" else "select")
        calls[f"{schema}.{name}"] = sql.SQL("{} {}({})").format(verb, sql.Identifier(schema, name), arguments)

    let_in = [name for name, one in calls.items() if not await database_of_two.is_refused(caller, one)]

    assert "pideai_host.drop_old_partitions" in calls
    assert let_in == []


async def test_functions_are_granted_to_the_host_alone_and_definers_have_a_fixed_search_path(database_of_two):
    granted = [
        f"{schema}.{name} to {role}"
        for schema, name, _, oid, *_ in database_of_two.functions
        for role in ("anon", "authenticated", "service_role")
        if (await database_of_two.rows("select has_function_privilege(%s, %s::oid, 'execute')", role, oid))[0][0]
    ]
    loose = [
        name
        for _, name, _, _, is_definer, settings, _ in database_of_two.functions
        if is_definer and not any(one.startswith("search_path=") for one in settings)
    ]

    assert (granted, loose) == ([], [])

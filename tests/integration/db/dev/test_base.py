"""Applying the development base: once, again, at the same time, and where it must not be."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.dev import apply_dev_base
from pideai_host.db.dev.base import MARK


@pytest.fixture
async def bare_conn(bare_database: Any) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(bare_database.admin_url, autocommit=True) as connection:
        yield connection


async def _value(conn: psycopg.AsyncConnection, statement: str) -> Any:
    row = await (await conn.execute(statement)).fetchone()
    assert row is not None
    return row[0]


async def test_an_empty_database_gets_the_base(bare_conn: psycopg.AsyncConnection) -> None:
    await apply_dev_base(bare_conn)

    assert await _value(bare_conn, "select count(*) from public.stores") == 0
    assert await _value(bare_conn, "select count(*) from public.subscription_plans") == 5


async def test_the_callers_settings_are_given_back(bare_conn: psycopg.AsyncConnection) -> None:
    await bare_conn.execute("set search_path = pg_temp, public")

    async with bare_conn.transaction():
        await apply_dev_base(bare_conn)

        assert await _value(bare_conn, "show search_path") == "pg_temp, public"
        assert await _value(bare_conn, "show client_min_messages") == "notice"


async def test_a_failure_leaves_nothing_behind(bare_conn: psycopg.AsyncConnection) -> None:
    await bare_conn.execute("create type public.operating_mode as enum ('other')")

    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await apply_dev_base(bare_conn)

    assert await _value(bare_conn, "select to_regnamespace('auth')") is None


async def test_the_same_version_changes_nothing(bare_conn: psycopg.AsyncConnection) -> None:
    """So a cutover that dropped the old triggers survives a restart of the demo."""
    await apply_dev_base(bare_conn)
    await bare_conn.execute("drop trigger trigger_notify_order_ready_whatsapp on public.orders")

    await apply_dev_base(bare_conn)

    kept = await _value(
        bare_conn, "select count(*) from pg_trigger where tgname = 'trigger_notify_order_ready_whatsapp'"
    )
    assert kept == 0


async def test_an_older_version_is_renewed_and_its_rows_are_kept(bare_conn: psycopg.AsyncConnection) -> None:
    await apply_dev_base(bare_conn)
    await bare_conn.execute(f"comment on schema auth is '{MARK} of yesterday'")
    await bare_conn.execute("insert into public.customers (name, email) values ('Ana', 'ana@example.com')")
    await bare_conn.execute("drop function public.get_user_owned_store()")
    policies = await _value(bare_conn, "select count(*) from pg_policies")

    await apply_dev_base(bare_conn)

    assert await _value(bare_conn, "select to_regprocedure('public.get_user_owned_store()') is not null")
    assert await _value(bare_conn, "select count(*) from public.customers") == 1
    assert await _value(bare_conn, "select count(*) from pg_policies") == policies


async def test_policies_of_others_survive_a_renewal(bare_conn: psycopg.AsyncConnection) -> None:
    await apply_dev_base(bare_conn)
    await bare_conn.execute(f"comment on schema auth is '{MARK} of yesterday'")
    await bare_conn.execute("create policy pideai_host_select on public.orders for select using (true)")

    await apply_dev_base(bare_conn)

    assert await _value(bare_conn, "select count(*) from pg_policies where policyname = 'pideai_host_select'") == 1


async def test_two_processes_may_apply_it_at_once(bare_database: Any) -> None:
    async def apply() -> None:
        async with await psycopg.AsyncConnection.connect(bare_database.admin_url) as connection:
            await apply_dev_base(connection)

    await asyncio.gather(apply(), apply())

    async with await psycopg.AsyncConnection.connect(bare_database.admin_url) as connection:
        assert await _value(connection, "select count(*) from public.subscription_plans") == 5


async def test_two_databases_of_one_cluster_may_be_prepared_at_once(pg: Any) -> None:
    """Roles belong to the cluster, the lock to the database."""
    made = [pg.create("template0") for _ in range(2)]

    async def apply(url: str) -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            await apply_dev_base(connection)

    await asyncio.gather(*(apply(database.admin_url) for database in made))

    for database in made:
        pg.drop(database)


@pytest.mark.parametrize(
    "table", ["auth.users", "public.stores", "public.orders"], ids=["supabase", "app-stores", "app-orders"]
)
async def test_a_real_project_is_refused_and_left_alone(bare_conn: psycopg.AsyncConnection, table: str) -> None:
    await bare_conn.execute("create schema auth")
    await bare_conn.execute(f"create table {table} (id uuid)")

    with pytest.raises(ConfigurationError, match="real project") as refusal:
        await apply_dev_base(bare_conn)

    assert "migrate" in refusal.value.hint
    assert await _value(bare_conn, "select to_regnamespace('pideai_dev')") is None


@pytest.mark.parametrize(
    ("role", "bypasses"), [("anon", False), ("authenticated", False), ("service_role", True)], ids=str
)
async def test_only_the_service_role_passes_by_rls(
    base_conn: psycopg.AsyncConnection, role: str, bypasses: bool
) -> None:
    row = await (
        await base_conn.execute("select rolcanlogin, rolbypassrls from pg_roles where rolname = %s", (role,))
    ).fetchone()

    assert row == (False, bypasses)


async def test_every_table_of_the_base_has_rls(bare_conn: psycopg.AsyncConnection) -> None:
    await apply_dev_base(bare_conn)

    open_tables = await (
        await bare_conn.execute(
            "select relname from pg_class where relkind = 'r' and not relrowsecurity"
            " and relnamespace in ('public'::regnamespace, 'auth'::regnamespace)"
        )
    ).fetchall()
    assert open_tables == []


async def test_new_tables_and_functions_are_open_to_clients_as_on_supabase(bare_conn: psycopg.AsyncConnection) -> None:
    """So a migration that forgets to revoke is found here."""
    await apply_dev_base(bare_conn)
    await bare_conn.execute("create table public.fresh (id int)")
    await bare_conn.execute("create function public.fresh() returns int language sql as 'select 1'")

    assert await _value(bare_conn, "select has_table_privilege('anon', 'public.fresh', 'select, insert, delete')")
    assert await _value(bare_conn, "select has_function_privilege('anon', 'public.fresh()', 'execute')")


async def test_clients_may_not_read_the_users(base_conn: psycopg.AsyncConnection) -> None:
    assert not await _value(base_conn, "select has_table_privilege('authenticated', 'auth.users', 'select')")


@pytest.mark.parametrize("length", [1, 16, 32, 33, 64])
async def test_the_stand_in_for_random_bytes_has_the_length_asked_for(
    base_conn: psycopg.AsyncConnection, length: int
) -> None:
    first = await _value(base_conn, f"select extensions.gen_random_bytes({length})")

    assert len(first) == length


async def test_random_bytes_differ_from_call_to_call(base_conn: psycopg.AsyncConnection) -> None:
    drawn = await _value(
        base_conn, "select count(distinct extensions.gen_random_bytes(16)) from generate_series(1, 500)"
    )

    assert drawn == 500


async def test_a_stand_in_is_made_only_where_the_extension_is_missing(bare_conn: psycopg.AsyncConnection) -> None:
    await bare_conn.execute("create schema extensions")
    await bare_conn.execute(
        "create function extensions.uuid_generate_v4() returns uuid language sql as"
        " $$ select '00000000-0000-4000-8000-000000000001'::uuid $$"
    )

    await apply_dev_base(bare_conn)

    assert str(await _value(bare_conn, "select extensions.uuid_generate_v4()")).endswith("0001")

"""What Supabase's own API lets anybody see of the host's tables: by SQL as PostgREST runs it, for all that is ours.

All that is ours comes from the catalog, so that what a migration adds is looked at too: a table, view or sequence in
`pideai_host` or in a lane's place has to be shut, one in `public` needs a line in `SHOWN`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql

from pideai_host.db.dev import apply_dev_base, create_demo_store
from pideai_host.db.plugin_files import MigrationFile, PluginMigrations
from pideai_host.db.plugin_ledger import PluginLedger
from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue

OWNER, OTHER_OWNER = (UUID(int=number, version=4) for number in (1, 2))
CALLERS: Mapping[str, tuple[str, UUID | None]] = {
    "anon": ("anon", None),
    "other owner": ("authenticated", OTHER_OWNER),
    "owner": ("authenticated", OWNER),
}


@dataclass(frozen=True)
class Shown:
    """What signed-in users may read of a relation in public; nobody may write it, and anon may not even read.

    Attributes:
        columns: What is shown.
        kept: What is not. A new column belongs to one of the two.
        is_by_store: Whether owners see their own stores' rows only; else all of them, but for what is switched off.
    """

    columns: frozenset[str]
    kept: frozenset[str] = frozenset()
    is_by_store: bool = True


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SHOWN: Mapping[str, Shown] = {
    "plugins": Shown(
        words(
            "id slug name description type version icon_url is_internal is_active config_schema required_events"
            " pricing_model created_at updated_at config_version module ordered"
        ),
        is_by_store=False,
    ),
    "store_plugins": Shown(
        words(
            "id store_id plugin_id config enabled priority webhook_url installed_at updated_at config_version policy"
            " state transition_reason config_fault"
        ),
        kept=words(
            "webhook_secret revision transition transition_since transition_tries transition_due_at config_due_at"
        ),
    ),
    "plugin_events": Shown(
        words("id created_at store_id type payload occurred_at source entity_id completed_at"),
        kept=words("metadata items_seen items_changed_at"),
    ),
    "plugin_events_log": Shown(
        words(
            "id store_id plugin_id event_type status attempts response_code response_body error_message created_at"
            " processed_at installation_id event_id next_attempt_at park_reason history replay_of replayed_at is_late"
        ),
        kept=words("payload event_created_at lane msg_id waiting_since data place receipt changed_xid late_xid"),
    ),
}
"""Every relation that the migrations make in public."""

_RELATIONS = """
select n.nspname, c.relname, c.relkind
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind = any (array['r', 'p', 'v', 'm', 'f', 'S']::"char"[])
  and (n.nspname = 'public' or n.nspname like 'pideai%%' or (n.nspname = 'pgmq' and c.relname ~ '^[qa]_pideai_'))
  and n.nspname <> 'pideai_dev'
order by 1, 2
"""
_FUNCTIONS = """
select n.nspname, p.proname, p.prokind, p.oid, p.prosecdef, coalesce(p.proconfig, '{}'),
  array(select format_type(t, null) from unnest(p.proargtypes) with ordinality as u (t, k) order by k)
from pg_proc p
join pg_namespace n on n.oid = p.pronamespace
where n.nspname = 'public' or (n.nspname like 'pideai%%' and n.nspname <> 'pideai_dev')
order by 1, 2
"""


@dataclass(frozen=True)
class Relation:
    schema: str
    name: str
    kind: str

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass
class Database:
    """Two stores with everything that the host keeps of a store, and what is in the catalog."""

    connection: psycopg.AsyncConnection
    stores: Mapping[UUID, UUID]
    relations: list[Relation]
    functions: list[tuple[Any, ...]]

    @property
    def shut(self) -> list[Relation]:
        return [one for one in self.relations if one.schema != "public"]

    async def rows(self, statement: Any, *values: Any) -> list[Any]:
        return await (await self.connection.execute(statement, values or None)).fetchall()

    @asynccontextmanager
    async def acting_as(self, caller: str) -> AsyncIterator[None]:
        """Be somebody as PostgREST is, for one transaction that leaves nothing."""
        role, user_id = CALLERS[caller]
        claims = {"role": role} | ({} if user_id is None else {"sub": str(user_id), "aud": "authenticated"})
        async with self.connection.transaction(force_rollback=True):
            await self.connection.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)",
                (json.dumps(claims), role),
            )
            yield

    async def is_refused(self, caller: str, statement: Any) -> bool:
        async with self.acting_as(caller):
            try:
                async with self.connection.transaction():
                    await self.connection.execute(statement)
            except (errors.InsufficientPrivilege, errors.GeneratedAlways):  # what is generated nobody writes at all
                return True
        return False


@pytest.fixture(scope="module")
def before(pg) -> frozenset[tuple[str, str]]:
    """Name what is in public before the host comes: relations and functions of Supabase and the shop."""

    async def names() -> frozenset[tuple[str, str]]:
        async with await psycopg.AsyncConnection.connect(made.admin_url, autocommit=True) as connection:
            await apply_dev_base(connection)
            found = [
                (row[0], row[1])
                for statement in (_RELATIONS, _FUNCTIONS)
                for row in await (await connection.execute(statement)).fetchall()
            ]
        return frozenset(found)

    made = pg.create("template0")
    try:
        return asyncio.run(names())
    finally:
        pg.drop(made)


OPEN_SCHEMA = PluginMigrations(
    "courier",
    (
        MigrationFile(
            "001_open",
            """create table rides (id bigint generated by default as identity primary key, store_id uuid not null);
            create view rides_seen as select * from rides;
            create function rides_count() returns bigint language sql as 'select count(*) from pideai_courier.rides';
            grant usage on schema pideai_courier to anon, authenticated;
            grant all on all tables in schema pideai_courier to anon, authenticated""",
            "drop function rides_count(); drop view rides_seen; drop table rides",
        ),
    ),
)
"""What a plugin's author may write, knowing no better."""


@pytest.fixture
async def database_of_two(database, admin_conn, before) -> Database:
    with psycopg.connect(database.admin_url, autocommit=True) as owner:
        PluginLedger(owner).apply(OPEN_SCHEMA)
    await sync_catalogue(admin_conn, load_registry(frozenset({"whatsapp", "webhook-bridge"})).definitions.values())
    stores = {}
    for owner_id, subdomain in ((OWNER, "la-esquina"), (OTHER_OWNER, "otra-esquina")):
        store_id = await create_demo_store(admin_conn, owner_id=owner_id, subdomain=subdomain, name=subdomain)
        await keep_something(admin_conn, store_id)
        stores[owner_id] = store_id
    await admin_conn.execute("update public.plugins set is_active = false where slug = 'webhook-bridge'")
    relations = await (await admin_conn.execute(_RELATIONS)).fetchall()
    functions = await (await admin_conn.execute(_FUNCTIONS)).fetchall()
    return Database(
        admin_conn,
        stores,
        [Relation(*row) for row in relations if row[0] != "public" or (row[0], row[1]) not in before],
        [row for row in functions if row[0] != "public" or (row[0], row[1]) not in before],
    )


async def keep_something(connection: psycopg.AsyncConnection, store_id: UUID) -> None:
    """Write a row of the store into each of the tables in public."""
    values = {"store": store_id, "event": uuid4(), "delivery": uuid4()}
    await connection.execute(
        """insert into public.store_plugins (store_id, plugin_id, config, webhook_secret)
        select %(store)s, id, '{"a": 1}', 'v1.k1.sealed' from public.plugins""",
        values,
    )
    await connection.execute(
        """insert into public.plugin_events (id, store_id, type, payload, occurred_at, source)
        values (%(event)s, %(store)s, 'order.created', '{}', now(), 'webhook')""",
        values,
    )
    await connection.execute(
        """insert into public.plugin_events_log
          (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane)
        select %(delivery)s, store_id, plugin_id, 'order.created', id, %(event)s, now(), 'pideai_whatsapp'
        from public.store_plugins where store_id = %(store)s limit 1""",
        values,
    )


async def test_what_is_in_public_is_listed(database_of_two):
    found = {one.name for one in database_of_two.relations if one.schema == "public"}

    assert found == SHOWN.keys(), f"say in SHOWN of {__file__} what signed-in users may read of it"


async def test_every_column_in_public_is_shown_or_kept_and_no_more_is_shown(database_of_two):
    columns = await database_of_two.rows(
        """select t, column_name, has_column_privilege('authenticated', format('public.%%I', t), column_name, 'select'),
          has_column_privilege('anon', format('public.%%I', t), column_name, 'select')
        from unnest(%s::text[]) as t
        join information_schema.columns on table_schema = 'public' and table_name = t""",
        list(SHOWN),
    )
    expected = {
        (table, column): (column in shown.columns, False)
        for table, shown in SHOWN.items()
        for column in shown.columns | shown.kept
    }

    assert {(table, column): (signed_in, anon) for table, column, signed_in, anon in columns} == expected, (
        f"name a new column in SHOWN of {__file__}: in `columns` and by a grant, or in `kept`"
    )


@pytest.mark.parametrize("caller", CALLERS)
async def test_what_is_kept_of_a_table_cannot_be_read(database_of_two, caller):
    statements = {
        f"{table}.{column}": sql.SQL("select {} from public.{}").format(sql.Identifier(column), sql.Identifier(table))
        for table, shown in SHOWN.items()
        for column in ({*shown.kept, *(shown.columns if caller == "anon" else ())})
    } | {
        f"{table}.*": sql.SQL("select * from public.{}").format(sql.Identifier(table))
        for table, shown in SHOWN.items()
        if shown.kept or caller == "anon"
    }

    let_in = [name for name, one in statements.items() if not await database_of_two.is_refused(caller, one)]

    assert statements
    assert let_in == []


@pytest.mark.parametrize("caller", ["owner", "other owner"])
async def test_an_owner_reads_the_rows_of_their_own_stores(database_of_two, caller):
    own = {(database_of_two.stores[CALLERS[caller][1]],)}
    async with database_of_two.acting_as(caller):
        for table in (name for name, shown in SHOWN.items() if shown.is_by_store):
            seen = await database_of_two.rows(
                sql.SQL("select distinct store_id from public.{}").format(sql.Identifier(table))
            )

            assert (table, set(seen)) == (table, own)


async def test_signed_in_users_read_what_can_be_installed(database_of_two):
    async with database_of_two.acting_as("owner"):
        assert await database_of_two.rows("select slug from public.plugins") == [("whatsapp",)]


def writes(relation: Relation, column: str) -> dict[str, sql.Composed]:
    parts = {"table": relation.identifier, "column": sql.Identifier(column)}
    return {
        "insert": sql.SQL("insert into {table} default values").format(**parts),
        "update": sql.SQL("update {table} set {column} = {column}").format(**parts),
        "delete": sql.SQL("delete from {table}").format(**parts),
        "truncate": sql.SQL("truncate {table}").format(**parts),
    }


@pytest.mark.parametrize("caller", CALLERS)
async def test_nobody_writes_in_public(database_of_two, caller):
    statements = {
        f"{what} {table}.{column}": one
        for table, shown in SHOWN.items()
        for column in shown.columns | shown.kept
        for what, one in writes(Relation("public", table, "r"), column).items()
        if what == "update" or column == "id"
    }

    let_in = [name for name, one in statements.items() if not await database_of_two.is_refused(caller, one)]

    assert let_in == []


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
        list(SHOWN),
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

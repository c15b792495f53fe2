"""What Supabase's own API lets anybody see of the host's tables in `public`: each needs a line in `SHOWN`."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from psycopg import sql
from tests.security.database_of_two import CALLERS, Relation, writes


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

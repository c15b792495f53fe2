"""The second door: what the trigger captures, that it never harms an order, and that each change becomes its events."""

import asyncio
import json
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from pideai_host.api import ConfigurationError, DatabaseUnavailable
from pideai_host.db.migrate import MIGRATIONS
from pideai_host.events import triggers
from pideai_host.events.capture import BATCH_MAX, CaptureDoor
from pideai_host.events.changes import ChangeReader


@pytest.fixture
async def capturing(shop):
    """The shop with its orders captured."""
    await triggers.enable(shop.connection, "orders")
    return shop


@pytest.fixture
def capture(way):
    return CaptureDoor(way.pool, ChangeReader(way.directory, now=lambda: datetime.now(UTC)), way.intake)


@pytest.fixture
async def other(database):
    """A second session of the owner, such as one that holds a lock."""
    async with await psycopg.AsyncConnection.connect(database.admin_url) as connection:
        yield connection


async def captured(shop):
    cursor = await shop.connection.execute(
        """select operation, record ->> 'id', record ->> 'status', old_record ->> 'status'
        from pideai_host.captured_changes order by id"""
    )
    return await cursor.fetchall()


async def order_count(shop):
    return (await (await shop.connection.execute("select count(*) from public.orders")).fetchone())[0]


async def events(way):
    return [
        row[0] for row in await way.rows("select type from public.plugin_events where source = 'capture' order by type")
    ]


async def test_an_order_and_its_steps_are_captured_in_the_order_of_statements(capturing):
    order_id, _ = await capturing.insert()
    await capturing.move(order_id, "confirmed")
    await capturing.move(order_id, "ready")

    assert await captured(capturing) == [
        ("INSERT", str(order_id), "pending", None),
        ("UPDATE", str(order_id), "confirmed", "pending"),
        ("UPDATE", str(order_id), "ready", "confirmed"),
    ]


async def test_an_order_that_is_rolled_back_captures_nothing(capturing):
    async with capturing.connection.transaction(force_rollback=True):
        await capturing.insert()

    assert await captured(capturing) == []


async def test_a_change_that_no_payload_carries_is_not_captured(capturing):
    order_id, _ = await capturing.insert()
    await capturing.connection.execute(
        "update public.orders set distance_km = 3, payment_proof_short_code = 'a', total_amount = 10.5 where id = %s",
        [order_id],
    )

    assert len(await captured(capturing)) == 1


async def test_a_column_that_a_payload_carries_is_captured_though_the_status_stays(capturing):
    order_id, _ = await capturing.insert()
    await capturing.connection.execute("update public.orders set notes = 'Mesa: 4' where id = %s", [order_id])

    assert [row[0] for row in await captured(capturing)] == ["INSERT", "UPDATE"]


async def test_a_customer_without_an_account_is_captured_too(capturing, other):
    await other.execute("select set_config('request.jwt.claims', '{}', false), set_config('role', 'anon', false)")
    await other.execute(
        """insert into public.orders (store_id, customer_name, customer_email, total_amount, order_type)
        values (%s, 'Ana', 'ana@example.com', 9, 'pickup')""",
        [capturing.store_id],
    )
    await other.commit()

    assert [row[0] for row in await captured(capturing)] == ["INSERT"]


async def test_an_order_is_saved_while_another_session_locks_the_captured_changes(capturing, other):
    await other.execute("lock table pideai_host.captured_changes in access exclusive mode")
    await capturing.connection.execute("set statement_timeout = '20s'")
    await capturing.insert()

    assert await order_count(capturing) == 1


async def test_many_orders_of_one_statement_wait_together_no_longer_than_one(capturing, other):
    await other.execute("lock table pideai_host.captured_changes in access exclusive mode")
    await capturing.connection.execute("set statement_timeout = '15s'")  # each for itself would take 30 s
    await capturing.connection.execute(
        """insert into public.orders (store_id, customer_name, customer_email, total_amount)
        select %s, 'Ana', 'ana@example.com', 1 from generate_series(1, 300)""",
        [capturing.store_id],
    )

    assert await order_count(capturing) == 300


async def test_the_function_runs_as_its_owner_with_a_path_and_a_limit_of_its_own(shop):
    cursor = await shop.connection.execute(
        """select prosecdef, proconfig @> '{"search_path=pg_catalog, pg_temp", lock_timeout=100ms}'
        from pg_proc where oid = 'pideai_host.capture_change'::regproc"""
    )

    assert await cursor.fetchone() == (True, True)


async def test_nobody_can_lead_the_function_to_other_tables_or_operators(capturing):
    await capturing.connection.execute(
        """create schema trap;
        create function trap.concat(anyelement) returns text language sql as $$ select 1 / 0 $$;
        create table trap.captured_changes (id int);
        create temp table captured_changes (id int);
        set search_path = trap, pg_temp, public"""
    )
    await capturing.insert()
    await capturing.connection.execute("reset search_path")

    assert [row[0] for row in await captured(capturing)] == ["INSERT"]


@pytest.mark.parametrize("role", ["anon", "authenticated", "pideai_host"])
async def test_nobody_but_the_triggers_may_call_the_function(shop, role):
    cursor = await shop.connection.execute(
        "select has_function_privilege(%s, 'pideai_host.capture_change()', 'execute')", [role]
    )

    assert await cursor.fetchone() == (False,)


async def test_no_notify_is_in_the_function(shop):
    cursor = await shop.connection.execute(
        "select prosrc ilike '%%notify%%' from pg_proc where oid = 'pideai_host.capture_change'::regproc"
    )

    assert await cursor.fetchone() == (False,)


async def test_an_order_whose_statement_is_cancelled_while_it_waits_is_not_saved(capturing, other, database):
    """Nobody swallows a cancel: it came from the customer's side, not from us."""
    await other.execute("lock table pideai_host.captured_changes in access exclusive mode")
    await capturing.connection.execute("alter function pideai_host.capture_change set lock_timeout = '20s'")
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as ordering:
        await ordering.execute("set statement_timeout = '50ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            await ordering.execute(
                """insert into public.orders (store_id, customer_name, customer_email, total_amount)
                values (%s, 'Ana', 'ana@example.com', 1)""",
                [capturing.store_id],
            )

    assert await order_count(capturing) == 0


async def test_an_order_is_captured_while_changes_are_being_taken_in(capturing, other):
    await capturing.insert()
    await other.execute("delete from pideai_host.captured_changes")  # as the door does, before its commit
    await capturing.insert()
    await other.commit()

    assert len(await captured(capturing)) == 1


async def test_nothing_that_the_host_does_locks_the_captured_changes_exclusively(capturing, capture, other, database):
    """Whoever writes an order at that moment holds what `other` holds."""
    await capturing.insert()
    await other.execute("lock table pideai_host.captured_changes in row exclusive mode")
    async with asyncio.timeout(20):
        taken = await capture.take()
    async with await psycopg.AsyncConnection.connect(database.admin_url, autocommit=True) as owner:
        await owner.execute("set lock_timeout = '5s'")
        await owner.execute((MIGRATIONS / "20261123000800_capture.sql").read_text())
        await triggers.enable(owner, "orders")
        await triggers.state(owner, "orders")
        await triggers.disable(owner, "orders")
        await owner.execute("vacuum pideai_host.captured_changes")

    assert taken == 1


async def test_a_locked_table_is_waited_for_once_in_a_transaction(capturing, other):
    await other.execute("lock table pideai_host.captured_changes in access exclusive mode")
    async with capturing.connection.transaction():
        await capturing.insert()
        await other.rollback()
        await capturing.insert()
    await capturing.insert()

    assert (await order_count(capturing), len(await captured(capturing))) == (3, 1)


async def test_an_order_is_saved_when_the_table_of_changes_is_gone(capturing):
    await capturing.connection.execute("drop table pideai_host.captured_changes")
    await capturing.insert()

    assert await order_count(capturing) == 1


async def test_an_order_is_saved_when_its_capture_is_refused(capturing):
    await capturing.connection.execute(
        "alter table pideai_host.captured_changes add constraint never check (operation <> 'INSERT')"
    )
    order_id, _ = await capturing.insert()
    await capturing.move(order_id, "confirmed")

    assert [row[0] for row in await captured(capturing)] == ["UPDATE"]


async def test_the_order_keeps_its_own_limit_for_locks(capturing):
    await capturing.connection.execute("set lock_timeout = '7s'")
    await capturing.insert()

    assert await (await capturing.connection.execute("show lock_timeout")).fetchone() == ("7s",)


async def test_vacuum_never_truncates_the_captured_changes(shop):
    cursor = await shop.connection.execute(
        """select c.reloptions @> '{vacuum_truncate=false}', t.reloptions @> '{vacuum_truncate=false}'
        from pg_class c join pg_class t on t.oid = c.reltoastrelid
        where c.oid = 'pideai_host.captured_changes'::regclass"""
    )

    assert await cursor.fetchone() == (True, True)


async def test_captured_changes_become_events_and_deliveries_and_are_gone(capturing, capture, way):
    order_id, _ = await capturing.insert()
    await capturing.move(order_id, "ready")

    assert await capture.take() == 2
    assert await events(way) == ["order.created", "order.ready", "order.status_changed", "order.updated"]
    assert (len(await way.statuses()), await captured(capturing)) == (3, [])


async def test_what_the_webhook_brought_before_is_one_event(capturing, capture, way):
    _, body = await capturing.insert()
    ids = await way.door.receive(body)
    await capture.take()

    assert await way.rows("select id from public.plugin_events") == [(ids[0],)]


async def test_a_change_taken_twice_at_once_is_taken_once(capturing, capture, way):
    for _ in range(5):
        await capturing.insert()

    assert sum(await asyncio.gather(*(capture.take() for _ in range(4)))) == 5
    assert await events(way) == ["order.created"] * 5


async def test_changes_stay_until_their_events_are_kept(capturing, capture, way, monkeypatch):
    async def fail(*_):
        raise psycopg.OperationalError("the connection is lost")

    await capturing.insert()
    monkeypatch.setattr(way.intake, "store", fail)
    with pytest.raises(psycopg.OperationalError):
        await capture.take()

    assert len(await captured(capturing)) == 1


async def test_nothing_waiting_is_nothing_done(capture):
    assert await capture.take() == 0


async def test_a_batch_is_bounded(capturing, capture):
    await capturing.connection.execute(
        """insert into public.orders (store_id, customer_name, customer_email, total_amount)
        select %s, 'Ana', 'ana@example.com', 1 from generate_series(1, %s)""",
        [capturing.store_id, BATCH_MAX + 1],
    )

    assert [await capture.take(), await capture.take()] == [BATCH_MAX, 1]


async def poison(shop, **record):
    """Capture a row as it never comes from a table of the shop."""
    row = {
        "id": str(uuid4()),
        "store_id": str(shop.store_id),
        "status": "pending",
        "customer_name": "Ana",
        "total_amount": 1,
    } | record
    await shop.connection.execute(
        """insert into pideai_host.captured_changes (operation, table_schema, table_name, record)
        values ('INSERT', 'public', 'orders', %s)""",
        [json.dumps(row)],
    )


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"total_amount": "NaN"}, "bad_row"),
        ({"status": "lost"}, "bad_row"),
        ({"created_at": "0001-01-01T00:00:00+05:00"}, "bad_row"),
        ({"store_id": str(uuid4())}, "unknown_store"),
        ({"notes": "\x00"}, "refused_by_database"),
    ],
    ids=["no amount", "no status", "no date", "no store", "no text"],
)
async def test_a_row_that_makes_no_sense_goes_to_quarantine_alone(capturing, capture, way, record, reason):
    await capturing.insert()
    await poison(capturing, **record)
    await capturing.insert()
    await capture.take()

    assert await way.rows("select door, reason from pideai_host.quarantine") == [("capture", reason)]
    assert (await events(way), await captured(capturing)) == (["order.created"] * 2, [])


async def test_quarantine_holds_the_change_as_a_webhook_would_bring_it(capturing, capture, way):
    await poison(capturing, status="lost")
    await capture.take()
    [(body,)] = await way.rows("select body from pideai_host.quarantine")

    assert {"type": "INSERT", "schema": "public", "table": "orders", "old_record": None}.items() <= json.loads(
        body
    ).items()


async def test_changes_are_taken_in_by_themselves_while_the_door_runs(capturing, capture, way, until):
    await capture.start()
    await capturing.insert()
    found = await until(lambda: events(way))
    await capture.stop()

    assert found == ["order.created"]


async def test_state_tells_triggers_and_what_waits(capturing):
    await capturing.insert()
    state = await triggers.state(capturing.connection, "orders")

    assert (state.word, state.waiting, state.oldest is not None) == ("enabled", 1, True)


async def test_disabled_means_that_nothing_more_is_captured(capturing):
    await triggers.disable(capturing.connection, "orders")
    await capturing.insert()

    assert ((await triggers.state(capturing.connection, "orders")).word, await captured(capturing)) == ("disabled", [])


async def test_disabling_twice_is_harmless(shop):
    await triggers.disable(shop.connection, "orders")

    assert (await triggers.state(shop.connection, "orders")).word == "disabled"


async def test_enabling_twice_captures_once(capturing):
    await triggers.enable(capturing.connection, "orders")
    await capturing.insert()

    assert len(await captured(capturing)) == 1


async def test_a_trigger_that_was_switched_off_by_hand_shows(capturing):
    await capturing.connection.execute("alter table public.orders disable trigger pideai_host_capture_update")

    assert (await triggers.state(capturing.connection, "orders")).word == "partly"


async def test_columns_that_a_shop_lacks_are_left_out(shop):
    await shop.connection.execute("alter table public.orders drop column delivery_zone_name")
    await triggers.enable(shop.connection, "orders")
    order_id, _ = await shop.insert()
    await shop.move(order_id, "ready")

    assert len(await captured(shop)) == 2


async def test_enabling_gives_way_to_those_who_use_the_table(shop, other, monkeypatch):
    monkeypatch.setattr(triggers, "TRIES", 2)
    await other.execute("lock table public.orders in row exclusive mode")

    with pytest.raises(DatabaseUnavailable, match=r"public\.orders was busy in each of 2 tries"):
        await triggers.enable(shop.connection, "orders", pause_s=0)


async def test_enabling_asks_for_the_migration(shop):
    await shop.connection.execute("drop function pideai_host.capture_change")

    with pytest.raises(ConfigurationError) as caught:
        await triggers.enable(shop.connection, "orders")
    assert caught.value.hint == "Run `pideai-host migrate` first."


async def test_taking_the_migration_back_takes_the_triggers_with_it(capturing):
    await capturing.connection.execute((MIGRATIONS / "rollback/20261123000800_capture.sql").read_text())
    await capturing.insert()

    assert await order_count(capturing) == 1

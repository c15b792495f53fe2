"""The audit trail: lines by the transaction of what they tell, never changed, forgotten only when they are old."""

from uuid import uuid4

import psycopg
import pytest
from psycopg import errors

from pideai_host.db.dev import create_demo_store
from pideai_host.stores.audit import DETAIL_MAX_BYTES, Action, Actor, AuditTrail, Line, acting, record
from pideai_host.stores.credit_grants import CreditGrants

STORE, USER = uuid4(), uuid4()
RESET = Line(action=Action.BREAKER_RESET, plugin="whatsapp")


@pytest.fixture
def trail(pool):
    return AuditTrail(pool)


async def write(connection, *lines, store_id=STORE):
    async with connection.transaction():
        await record(connection, store_id, lines)


async def age(admin_conn, days):
    """Make all lines older: the trigger that keeps them is the owner's to put aside."""
    await admin_conn.execute("alter table pideai_host.audit disable trigger user")
    await admin_conn.execute("update pideai_host.audit set at = at - make_interval(days => %s)", (days,))
    await admin_conn.execute("alter table pideai_host.audit enable trigger user")


async def test_a_line_says_who_what_and_when(runtime_conn, trail):
    actor = Actor(kind="user", user_id=USER, request_id="r-1", address="190.205.10.7")
    with acting(actor):
        await write(runtime_conn, Line(action=Action.ENABLED, plugin="whatsapp", subject="it", detail={"a": 1}))

    (line,) = await trail.page()

    assert (line.store_id, line.actor, line.user_id, line.request_id) == (STORE, "user", USER, "r-1")
    assert (line.address, line.action, line.plugin, line.subject) == (
        "190.205.10.7",
        "plugin.enabled",
        "whatsapp",
        "it",
    )
    assert (line.detail, line.at.tzinfo is not None) == ({"a": 1}, True)


async def test_what_nobody_asked_for_is_the_host_s(runtime_conn, trail):
    await write(runtime_conn, RESET)

    assert [line.actor for line in await trail.page()] == ["host"]


async def test_a_transaction_that_fails_leaves_no_line(runtime_conn, trail):
    async with runtime_conn.transaction(force_rollback=True):
        await record(runtime_conn, STORE, [RESET])

    assert await trail.page() == []


@pytest.mark.parametrize(
    "statement",
    [
        "update pideai_host.audit set action = 'x'",
        "delete from pideai_host.audit",
        "truncate pideai_host.audit",
    ],
)
@pytest.mark.parametrize("role", ["runtime", "owner"])
async def test_no_line_is_changed_or_taken_away(runtime_conn, admin_conn, trail, statement, role):
    await write(runtime_conn, RESET)

    with pytest.raises(errors.InsufficientPrivilege):
        await (runtime_conn if role == "runtime" else admin_conn).execute(statement)

    assert len(await trail.page()) == 1


async def test_old_lines_are_forgotten_in_batches_and_younger_ones_stay(runtime_conn, admin_conn, trail):
    await write(runtime_conn, RESET, RESET, RESET)
    await age(admin_conn, 101)
    await write(runtime_conn, RESET)

    assert [await trail.forget(100, limit=2) for _ in range(3)] == [2, 1, 0]
    assert len(await trail.page()) == 1


async def test_nothing_younger_than_90_days_is_forgotten_whatever_is_asked(runtime_conn, admin_conn, trail):
    await write(runtime_conn, RESET)
    await age(admin_conn, 89)

    assert await trail.forget(0, limit=10) == 0


async def test_pages_follow_each_other_without_gap_or_double(runtime_conn, trail):
    await write(runtime_conn, *[Line(action=Action.ENABLED, subject=str(number)) for number in range(5)])

    first = await trail.page(store_id=STORE, limit=3)
    second = await trail.page(store_id=STORE, limit=3, before=first[-1].id)

    assert [line.subject for line in first + second] == ["4", "3", "2", "1", "0"]


async def test_a_store_s_page_has_its_own_lines_alone(runtime_conn, trail):
    await write(runtime_conn, RESET)
    await write(runtime_conn, RESET, store_id=uuid4())
    await write(runtime_conn, RESET, store_id=None)

    assert [line.store_id for line in await trail.page(store_id=STORE)] == [STORE]
    assert len(await trail.page()) == 3


async def test_a_page_can_be_of_one_plugin_action_or_user(runtime_conn, trail):
    with acting(Actor(kind="user", user_id=USER)):
        await write(runtime_conn, Line(action=Action.ENABLED, plugin="a"), Line(action=Action.DISABLED, plugin="b"))
    await write(runtime_conn, Line(action=Action.ENABLED, plugin="b"))

    assert [line.action for line in await trail.page(plugin="b")] == ["plugin.enabled", "plugin.disabled"]
    assert [line.plugin for line in await trail.page(action="plugin.enabled")] == ["b", "a"]
    assert [line.plugin for line in await trail.page(user_id=USER, action=Action.DISABLED)] == ["b"]


async def test_a_detail_that_is_too_large_is_left_out(runtime_conn, trail):
    await write(runtime_conn, Line(action=Action.CONFIGURED, detail={"x": "y" * DETAIL_MAX_BYTES}))

    assert [list(line.detail) for line in await trail.page()] == [["left_out"]]


async def test_a_grant_is_recorded_once_however_often_it_is_sent(pool, admin_conn, trail):
    store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="a-store", name="A")
    with acting(Actor(kind="operator", name="ana")):
        for _ in range(2):
            await CreditGrants(pool).grant(store_id, "courier", "extra", 5, reference="g-1")

    (line,) = await trail.page(store_id=store_id)

    assert (line.actor, line.actor_name, line.action, line.subject) == ("operator", "ana", "credits.granted", "g-1")
    assert line.detail == {"credit_type": "extra", "count": 5}


async def test_signed_in_users_cannot_read_the_table(admin_conn: psycopg.AsyncConnection):
    async with admin_conn.transaction(force_rollback=True):
        await admin_conn.execute("set local role authenticated")
        with pytest.raises(errors.InsufficientPrivilege):
            await admin_conn.execute("select from pideai_host.audit")

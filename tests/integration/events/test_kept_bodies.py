"""What was not understood can be looked at, and is taken in once the host understands it: whole, once, and told."""

from uuid import uuid4

import pytest

from pideai_host.events.changes import ChangeReader
from pideai_host.events.delivery_log import Mark
from pideai_host.events.kept_bodies import BodyUnknown, KeptBodies, NotFed
from pideai_host.stores.audit import AuditTrail


@pytest.fixture
def bodies(way):
    return KeptBodies(way.pool, way.door._reader, way.intake)


async def keep(shop, body, *, days_ago=0, reason="unknown_store"):
    cursor = await shop.connection.execute(
        """insert into pideai_host.quarantine (door, reason, detail, body, received_at)
        values ('webhook', %s, 'x', %s, now() - make_interval(days => %s)) returning id""",
        (reason, body, days_ago),
    )
    return (await cursor.fetchone())[0]


async def test_a_body_that_is_understood_now_is_taken_in_and_leaves_quarantine(way, shop, bodies):
    body_id = await keep(shop, await shop.order())

    ids = await bodies.feed(body_id)

    assert [row[0] for row in await way.rows("select id from public.plugin_events")] == ids
    assert await way.statuses() == ["pending"]
    with pytest.raises(BodyUnknown):
        await bodies.feed(body_id)


async def test_feeding_tells_the_worker_and_the_audit_trail(way, shop, bodies):
    body_id = await keep(shop, await shop.order())

    await bodies.feed(body_id)

    assert {lane for told in way.lanes for lane in told} == {"pideai_probe"}
    (line,) = await AuditTrail(way.pool).page(store_id=shop.store_id)
    assert (line.action, line.subject, line.store_id) == ("body.fed_again", str(body_id), shop.store_id)


async def test_what_another_door_has_brought_meanwhile_is_not_doubled(way, shop, bodies):
    body = await shop.order()
    body_id = await keep(shop, body)
    await way.door.receive(body)

    await bodies.feed(body_id)

    assert len(await way.log()) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"type": "INSERT", "table": "reviews", "record": {}}',
        b'{"type": "INSERT", "table": "orders", "record": {"id": 7}}',
        b"no json",
    ],
)
async def test_what_is_still_not_understood_stays_where_it_is(way, shop, bodies, body):
    body_id = await keep(shop, body)

    with pytest.raises(NotFed):
        await bodies.feed(body_id)

    assert (await bodies.get(body_id)).body == body


async def test_what_is_older_than_ids_are_remembered_is_not_fed(way, shop, bodies):
    body_id = await keep(shop, await shop.order(), days_ago=14)

    with pytest.raises(NotFed):
        await bodies.feed(body_id)

    assert not (await bodies.get(body_id)).is_young


async def test_pages_follow_each_other_newest_first(way, shop, bodies):
    kept = [await keep(shop, b"{}", days_ago=days) for days in range(4)]

    first = await bodies.page(reason=None, after=None, limit=2)
    rest = await bodies.page(reason=None, after=Mark(first[-1].received_at, first[-1].id), limit=5)

    assert [one.id for one in [*first, *rest]] == kept


async def test_a_page_can_be_of_one_reason(way, shop, bodies):
    await keep(shop, b"{}")
    wanted = await keep(shop, b"{}", reason="bad_row")

    assert [one.id for one in await bodies.page(reason="bad_row", after=None, limit=5)] == [wanted]


async def test_an_unknown_body_is_unknown(way, bodies):
    with pytest.raises(BodyUnknown):
        await bodies.get(uuid4())


def test_it_reads_as_the_door_does(bodies):
    assert isinstance(bodies._reader, ChangeReader)

"""However a delivery ends, that end charges, gives back or keeps its credit; the plugin need not say so."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from pideai_host.api import delivered, failed, retry, sent, unknown, wait
from pideai_host.events.jobs import Upkeep
from pideai_host.stores import receipts
from pideai_host.stores.credits import DeliveryCredits
from pideai_host.stores.receipts import Receipts


@pytest.fixture
def probe(probe):
    probe.definition = msgspec.structs.replace(probe.definition, max_age_s=3600.0)
    return probe


@pytest.fixture(autouse=True)
async def credits_of_the_store(shop, installation):
    await shop.connection.execute(
        "insert into pideai_host.credits (store_id, plugin, monthly_credits) values (%s, 'probe', 10)", [shop.store_id]
    )


def reserving(outcome, then=None):
    """Answer so after a credit was reserved, and after `charge` or `refund` if that is said."""

    async def answer(context):
        await context.credits.reserve()
        if then is not None:
            await getattr(context.credits, then)()
        return outcome

    return answer


async def holds(way):
    return [row[0] for row in await way.rows("select state from pideai_host.credit_holds order by updated_at")]


async def movements(way):
    rows = await way.rows("select movement from pideai_host.credit_ledger order by id")
    return [row[0] for row in rows if row[0] != "adjust"]


async def look_after(way):
    """Do what the scheduler does a minute later."""
    await way.rows("update pideai_host.credit_holds set updated_at = updated_at - interval '2 minutes' returning 1")
    await Upkeep(way.pool, retention_days=90).holds.settle_open()


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ([delivered()], "charged"),
        ([sent()], "charged"),
        ([failed("no")], "refunded"),
        ([RuntimeError("boom")] * 4, "refunded"),
        ([retry("later"), delivered()], "charged"),
        ([unknown("who knows")], "kept"),
    ],
    ids=["delivered", "sent", "failed", "out of retries", "delivered at last", "unknown"],
)
async def test_the_end_settles_at_once_what_the_last_call_holds(working, shop, probe, until, outcomes, state):
    probe.answers = [reserving(one) for one in outcomes]
    await working.door.receive(await shop.order())

    async def settled():
        return await holds(working) == [state]

    await working.done()
    assert await until(settled)


@pytest.fixture
def impatient(probe):
    """The probe with a limit that a hook can be waited for."""
    probe.definition = msgspec.structs.replace(
        probe.definition,
        limits=msgspec.structs.replace(probe.definition.limits, timeout_s=1.0),
        retry=msgspec.structs.replace(probe.definition.retry, delays_s=(0.01,)),
    )


@pytest.mark.usefixtures("impatient")
async def test_a_hook_that_hangs_over_its_credit_gives_it_back(working, shop, probe, until):
    async def hangs(context):
        await context.credits.reserve()
        await asyncio.Event().wait()

    probe.answers = [hangs] * 2
    await working.door.receive(await shop.order())
    log = await working.done()

    async def given_back():
        return await holds(working) == ["refunded"]

    assert (log[0][0], await until(given_back)) == ("failed", True)


@pytest.mark.parametrize(("then", "moved"), [("charge", "charge"), ("refund", "refund")])
async def test_what_the_plugin_says_itself_is_not_said_again(working, shop, probe, then, moved):
    probe.answers = [reserving(delivered() if then == "charge" else failed("no"), then)]
    await working.door.receive(await shop.order())
    await working.done()
    await look_after(working)

    assert await movements(working) == ["reserve", moved]


async def test_a_credit_reserved_by_an_earlier_call_is_settled_though_the_last_one_did_not_touch_it(
    working, shop, probe
):
    probe.answers = [reserving(retry("later")), failed("no")]
    await working.door.receive(await shop.order())
    await working.done()
    await look_after(working)

    assert await holds(working) == ["refunded"]


async def test_what_waits_holds_its_credit_on(working, shop, probe, until):
    probe.answers = [reserving(wait("not yet", retry_after_s=60))]
    await working.door.receive(await shop.order())
    await until(lambda: holds(working))
    await look_after(working)

    assert await holds(working) == ["reserved"]


async def left_by_a_dead_worker(way, shop):
    """Leave a delivery with a reserved credit and its message in the lane, as a worker that was killed would."""
    await way.door.receive(await shop.order())
    [(delivery_id,)] = await way.rows("select id from public.plugin_events_log")
    await DeliveryCredits(way.pool, shop.store_id, "probe", delivery_id).reserve()


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ("update public.plugin_events set occurred_at = now() - interval '1 day', completed_at = now()", "expired"),
        ("delete from public.store_plugins", "cancelled"),
    ],
)
async def test_a_delivery_that_ends_without_a_call_gives_back_what_a_dead_worker_reserved(way, shop, change, status):
    await left_by_a_dead_worker(way, shop)
    await shop.connection.execute(change)
    worker = way.worker()
    await worker.start()
    log = await way.done()
    await worker.stop()
    await look_after(way)

    assert (log[0][0], await holds(way)) == (status, ["refunded"])


async def test_a_delivery_that_ends_workers_gives_its_credit_back(way, shop, probe):
    await left_by_a_dead_worker(way, shop)
    await shop.connection.execute(
        "update public.plugin_events_log set status = 'failed', error_message = 'crashed: …', msg_id = null"
    )
    await look_after(way)

    assert await holds(way) == ["refunded"]


async def test_a_settling_that_fails_harms_no_outcome_and_is_made_up_for(working, shop, probe, monkeypatch):
    async def lost(*_):
        raise OSError("the connection is lost")

    with monkeypatch.context() as patched:
        patched.setattr("pideai_host.stores.holds.Holds.settle", lost)
        probe.answers = [reserving(failed("no"))]
        await working.door.receive(await shop.order())
        log = await working.done()
    await look_after(working)

    assert (log[0][0], await holds(working)) == ("failed", ["refunded"])


async def test_a_delivery_that_holds_nothing_costs_no_statement(working, shop, probe, monkeypatch):
    asked = []
    monkeypatch.setattr("pideai_host.stores.holds.Holds.settle", lambda *of: asked.append(of))
    probe.answers = [delivered(), reserving(delivered(), "charge"), failed("no")]
    for _ in range(3):
        await working.door.receive(await shop.order())
    await working.done(3)

    assert asked == []


@pytest.mark.parametrize(
    ("outcome", "result", "state"),
    [
        (unknown("who knows"), delivered(), "charged"),
        (unknown("who knows"), failed("the provider says no"), "refunded"),
        (sent(), failed("not delivered"), "charged"),
    ],
    ids=["unknown, then delivered", "unknown, then failed", "sent, then failed"],
)
async def test_a_report_settles_what_nobody_knew(working, shop, probe, until, outcome, result, state):
    probe.answers = [reserving(outcome)]
    await working.door.receive(await shop.order())
    await working.done()

    async def is_settled():
        return await holds(working) in (["kept"], ["charged"])

    await until(is_settled)
    [[delivery_id, plugin_id]] = await working.rows("select id, plugin_id from public.plugin_events_log")
    collected = Receipts("probe", is_open=True)
    collected.settle(delivery_id, result)
    async with working.pool.connection() as connection:
        await receipts.write(connection, shop.store_id, plugin_id, collected.all, at=datetime.now(UTC))
    await look_after(working)

    assert await holds(working) == [state]

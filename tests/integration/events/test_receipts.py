"""A provider's report may come before the worker has written that the provider accepted: it is not lost."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from pideai_host.api import PluginFault, delivered, failed, retry, sent, unknown, wait
from pideai_host.stores import receipts
from pideai_host.stores.receipts import Receipts


@pytest.fixture
def report(shop, runtime_conn):
    """Report a result of a delivery of the probe, as a webhook would."""

    async def tell(delivery_id, result):
        [(plugin_id,)] = await (
            await runtime_conn.execute("select id from public.plugins where slug = 'probe'")
        ).fetchall()
        collected = Receipts("probe", is_open=True)
        collected.settle(delivery_id, result)
        return await receipts.write(runtime_conn, shop.store_id, plugin_id, collected.all, at=datetime.now(UTC))

    return tell


def reported_before(report, result, answer):
    """Answer `answer`, after the provider has reported already."""

    async def handle(context):
        await report(context.delivery.id, result)
        return answer

    return handle


async def told(way):
    return await way.rows("select status, error_message, data, receipt from public.plugin_events_log")


@pytest.mark.parametrize("answer", [sent({"id": "w-1"}), unknown("no answer came")])
async def test_a_report_that_comes_before_the_outcome_decides_it(working, shop, probe, report, answer):
    probe.answers = [reported_before(report, delivered({"read": True}), answer)]

    await working.door.receive(await shop.order())
    await working.done()

    assert await told(working) == [("delivered", None, {**(answer.data or {}), "read": True}, None)]


async def test_it_may_be_a_failure(working, shop, probe, report):
    probe.answers = [reported_before(report, failed("the number has no WhatsApp"), sent())]

    await working.door.receive(await shop.order())
    await working.done()

    assert await told(working) == [("failed", "the number has no WhatsApp", {}, None)]


async def test_it_waits_for_the_attempt_that_the_provider_accepts(working, shop, probe, report):
    probe.answers = [reported_before(report, delivered(), retry("once more")), sent()]

    await working.door.receive(await shop.order())
    await working.done()

    assert [row[0] for row in await told(working)] == ["delivered"]
    assert len(probe.calls) == 2


async def test_it_changes_nothing_where_the_plugin_itself_says_the_end(working, shop, probe, report):
    probe.answers = [reported_before(report, delivered(), failed("refused"))]

    await working.door.receive(await shop.order())
    await working.done()

    assert [row[:2] for row in await told(working)] == [("failed", "refused")]


async def test_the_first_report_stands(working, shop, probe, report):
    async def handle(context):
        await report(context.delivery.id, delivered())
        assert await report(context.delivery.id, failed("no")) == set()
        return sent()

    probe.answers = [handle]

    await working.door.receive(await shop.order())
    await working.done()

    [(history,)] = await working.rows("select history from public.plugin_events_log")
    assert [one["outcome"] for one in history] == ["delivered", "sent"]
    assert [row[0] for row in await told(working)] == ["delivered"]


async def test_what_waits_is_called_again_at_once_when_it_is_woken(working, shop, probe, installation, until):
    probe.answers = [wait("the phone is off", retry_after_s=3_600), delivered()]
    await working.door.receive(await shop.order())

    async def waits():
        return await working.rows("select 1 from public.plugin_events_log where park_reason = 'wait'")

    await until(waits)
    async with working.pool.connection() as connection:
        others = await receipts.wake(connection, shop.store_id, uuid4())
        woken = await receipts.wake(connection, shop.store_id, installation)
    [[status, attempts, _]] = await working.done()

    assert (others, woken, status, attempts) == (0, 1, "delivered", 1)


async def test_what_is_parked_for_another_reason_is_not_woken(working, shop, probe, installation, until):
    probe.answers = [retry("later", retry_after_s=60)]
    await working.door.receive(await shop.order())

    async def is_parked():
        return await working.rows("select 1 from public.plugin_events_log where park_reason = 'retry'")

    await until(is_parked)
    async with working.pool.connection() as connection:
        assert await receipts.wake(connection, shop.store_id, installation) == 0


def test_only_calls_that_are_kept_wake():
    with pytest.raises(PluginFault, match="wake belongs to"):
        Receipts("probe", is_open=False).wake()

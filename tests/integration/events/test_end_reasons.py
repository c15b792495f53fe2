"""Why the host ended a delivery stands in its log as a word, so that owners read it in their language."""

import msgspec
import pytest
from tests.integration.events.conftest import bring, crash, rebuilt, run_until

from pideai_host.api import RetryPolicy, failed, retry, wait
from pideai_host.events.delivery_log import DeliveryLog, LogFilter

ENDED = "select 1 from public.plugin_events_log where status <> 'pending'"


@pytest.fixture
def reasons(way, shop):
    """Read the reasons of the store's deliveries, in a list and one by one."""

    async def _reasons():
        log = DeliveryLog(way.pool)
        listed = (await log.deliveries(shop.store_id, LogFilter(), limit=10)).items
        whole = [await log.delivery(shop.store_id, one.id) for one in listed]
        assert [one.reason for one in whole] == [one.reason for one in listed]
        return [one.reason for one in listed]

    return _reasons


@pytest.fixture
def defined(way, probe):
    """Have the plugin define something else."""

    def _defined(**changes):
        probe.definition = msgspec.structs.replace(probe.definition, **changes)
        way.registry.__init__(*rebuilt(probe))

    return _defined


async def test_what_is_tried_no_more_was_given_up(way, shop, probe, until, reasons, defined):
    defined(retry=RetryPolicy(delays_s=()))
    probe.answers = [retry("503")]
    await bring(way, shop)
    await run_until(way, ENDED, until)

    assert await reasons() == ["gave_up"]


async def test_what_expired_was_too_old(way, shop, until, reasons, defined):
    defined(max_age_s=60.0)
    await bring(way, shop)
    await shop.connection.execute("update public.plugin_events set occurred_at = now() - interval '2 minutes'")
    await run_until(way, ENDED, until)

    assert await reasons() == ["too_old"]


async def test_what_was_cancelled_has_lost_its_plugin(way, shop, until, reasons):
    await bring(way, shop)
    await shop.connection.execute("delete from public.store_plugins")
    await run_until(way, ENDED, until)

    assert await reasons() == ["uninstalled"]


async def test_what_cannot_be_read_is_said_to_be_so(way, shop, until, reasons):
    await way.door.receive(await shop.order())
    await shop.connection.execute("update public.plugin_events set payload = '{}'")
    await run_until(way, ENDED, until)

    assert await reasons() == ["unreadable"]


async def test_an_end_of_the_plugins_own_has_no_reason_of_the_hosts(way, shop, probe, until, reasons):
    probe.answers = [failed("no such number")]
    await bring(way, shop)
    await run_until(way, ENDED, until)

    assert await reasons() == [None]


async def test_what_goes_again_has_no_reason_any_more(way, shop, probe, until, reasons, defined):
    defined(retry=RetryPolicy(delays_s=()))
    probe.answers = [retry("503")]
    await bring(way, shop)
    await run_until(way, ENDED, until)
    await shop.connection.execute("update public.plugin_events_log set status = 'pending', processed_at = null")

    assert await reasons() == [None]


async def test_a_late_outcome_is_not_why_it_ended(way, shop, probe, until, reasons):
    probe.answers = [failed("no such number")]
    await bring(way, shop)
    await run_until(way, ENDED, until)
    await shop.connection.execute(
        """update public.plugin_events_log set history = history || '{"late": true, "reason": "gave_up"}'"""
    )

    assert await reasons() == [None]


async def test_a_late_outcome_hides_no_reason(way, shop, until, reasons):
    await way.door.receive(await shop.order())
    await shop.connection.execute("update public.plugin_events set payload = '{}'")
    await run_until(way, ENDED, until)
    await shop.connection.execute(
        """update public.plugin_events_log set history = history || '{"late": true, "outcome": "delivered"}'"""
    )

    assert await reasons() == ["unreadable"]


async def test_what_asks_to_wait_for_too_long_waited_too_long(way, shop, probe, until, reasons, defined):
    defined(retry=RetryPolicy(max_wait_s=60.0))
    probe.answers = [wait("the till is shut", retry_after_s=1.0)]
    await bring(way, shop)
    await shop.connection.execute("update public.plugin_events_log set waiting_since = now() - interval '2 minutes'")
    await run_until(way, ENDED, until)

    assert await reasons() == ["waited_too_long"]


async def test_what_ended_the_worker_three_times_crashed(way, shop, until, reasons):
    await bring(way, shop)
    await crash(way, 3)
    await run_until(way, ENDED, until)

    assert await reasons() == ["crashed"]

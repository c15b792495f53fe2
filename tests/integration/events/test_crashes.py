"""A call that was begun and never settled, three times, is named as a crash; who stood by is not."""

from tests.integration.events.conftest import NOW, bring, crash, run_until

from pideai_host.api import delivered, retry
from pideai_host.events.suspects import Suspects


async def test_a_call_that_was_begun_three_times_without_settling_is_named_as_a_crash(way, shop, probe, until):
    await bring(way, shop)
    await crash(way, 3)
    await run_until(way, "select 1 from public.plugin_events_log where status = 'failed'", until)
    [row] = await way.log()

    assert (row[2].startswith("crashed: probe"), probe.calls) == (True, [])


async def test_who_was_only_claimed_beside_a_crash_is_delivered(way, shop, probe, until):
    for _ in range(3):
        await bring(way, shop)
    await crash(way, 3)
    await run_until(
        way, "select 1 from public.plugin_events_log having count(*) filter (where status <> 'pending') = 3", until
    )

    assert (sorted(await way.statuses()), len(probe.calls)) == (["delivered", "delivered", "failed"], 2)


async def test_on_their_last_claim_messages_begin_only_when_the_one_before_is_written(way, shop, probe):
    written = []

    async def call(context):
        written.extend(await way.rows("select count(*) from public.plugin_events_log where status = 'delivered'"))
        return delivered()

    for _ in range(4):
        await bring(way, shop)
    for _ in range(2):
        await way.claim(lease_s=0)
    probe.answers = [call] * 4
    worker = way.worker()
    await worker.start()
    await way.done(4)
    await worker.stop()

    assert written == [(0,), (1,), (2,), (3,)]


async def test_what_begins_in_company_is_not_held_to_account_and_who_was_noted_before_still_is(way, shop, probe):
    await bring(way, shop)
    await bring(way, shop)
    for _ in range(3):
        claimed = await way.claim(lease_s=0)
    suspects = Suspects(way.queue, now=lambda: NOW, worker="w")
    noted, in_company = claimed
    await suspects.has_crashed(noted, begins_alone=True)
    found = [await suspects.has_crashed(one, begins_alone=False) for one in (noted, in_company, in_company)]

    assert found == [True, False, False]


async def test_a_retry_starts_with_a_clean_slate(way, shop, probe):
    """The note that a call began belongs to its message; the message of the next attempt knows nothing of it."""
    await bring(way, shop)
    for _ in range(2):
        await way.claim(lease_s=0)
    probe.answers = [retry("503")]
    worker = way.worker()
    await worker.start()
    await way.done()
    await worker.stop()

    assert await way.log() == [("delivered", 2, None)]

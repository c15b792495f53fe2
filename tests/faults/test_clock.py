"""A process whose clock is stepped by an hour: due times and ages are the database's, so nothing moves."""

import asyncio
from uuid import uuid5

import pytest
from aiohttp import web

RETRY_S = 2.0
PAID = "payment.completed"
"""As in dists/fake_faults.py."""
RETRY_AFTER_S = 600


class Clock:
    """A file that the processes of a rig set their clocks by."""

    def __init__(self, folder):
        self.file = folder / "clock"
        self.step(0)

    def step(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self.file)


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path)


@pytest.mark.parametrize("step_s", [3600, -3600], ids=["ahead", "behind"])
async def test_nothing_fires_or_expires_early_or_late_when_a_clock_is_stepped_under_load(rig, clock, until, step_s):
    """Retries come after their delay, a Retry-After is kept, and what a plugin emits is young."""
    busy = await rig.shop.open_store("busy")

    async def answer(request):
        if request.match_info["store"] == str(busy):
            return web.Response(status=429, headers={"retry-after": str(RETRY_AFTER_S)})
        return web.Response()

    rig.receiver.answer = answer
    await rig.shop.install("retries", "emits", "ages")
    at = {"RIG_CLOCK": str(clock.file)}
    serve, worker = await asyncio.gather(rig.serve(**at), rig.worker(**at))
    async with rig.shop.trade():
        await rig.shop.post(await rig.shop.place(1, store_id=busy))
        await until(lambda: _is_parked(rig, busy))
        clock.step(step_s)
        await rig.shop.post(await rig.shop.place(5))
    log = await rig.log.done(but=busy)
    for one in await rig.log.deliveries("emits"):
        rig.shop.accept(uuid5(one.id, "paid"), one.store_id, PAID)
    await rig.log.require_balance()
    serve.require_alive()
    worker.require_alive()
    [parked] = [one for one in log if one.store_id == busy]
    others = [one for one in log if one.store_id != busy]
    took_s = [one.took_s for one in others if one.slug == "retries"]

    assert {one.status for one in others} == {"delivered"}
    assert {one.attempts for one in others if one.slug == "retries"} == {2}
    assert RETRY_S <= min(took_s) <= max(took_s) < 60
    assert (parked.status, parked.attempts) == ("pending", 1)
    assert RETRY_AFTER_S - 60 < parked.due_in_s <= RETRY_AFTER_S
    assert await _was_stepped(rig, step_s)


async def _is_parked(rig, store_id):
    return [one for one in await rig.log.deliveries() if one.store_id == store_id and one.is_parked]


async def _was_stepped(rig, step_s):
    """Tell whether a worker wrote down a time of day that is off by the step."""
    return await rig.log.rows(
        """select 1 from public.plugin_events_log
        where abs(extract(epoch from (history -> -1 ->> 'at')::timestamptz - processed_at) - %s) < 60""",
        step_s,
    )

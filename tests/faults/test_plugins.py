"""A plugin that goes wrong hurts only itself: everybody else's deliveries arrive, and the culprit is named."""

import asyncio
from collections import Counter

import pytest
from aiohttp import web

CULPRIT = "culprit"


async def test_a_plugin_that_exits_the_interpreter_is_named_after_three_calls(rig, until):
    """The worker is started again each time. Who was claimed beside the culprit, in any lane, is not blamed."""
    await rig.shop.install("exits")
    await rig.shop.bring(1, customer=CULPRIT)
    await rig.shop.bring(10)
    codes = [await rig.life() for _ in range(3)]
    last = await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance(died=True)
    last.require_alive()
    others = [one for one in log if one.status != "failed"]
    [culprit] = [one for one in log if one.status == "failed"]

    assert codes == [7, 7, 7]
    assert culprit.error.startswith("crashed: exits")
    assert {(one.slug, one.status) for one in others} == {("exits", "delivered"), ("webhook-bridge", "delivered")}
    assert len(others) == 21


async def test_who_stands_by_is_not_blamed_while_new_culprits_keep_coming(rig):
    """Slow bystanders are on their last claim while the next culprit, on its first, ends the worker."""

    async def slow(_):
        await asyncio.sleep(0.3)
        return web.Response()

    rig.receiver.answer = slow
    await rig.shop.install("exits")
    culprits = set()
    for _ in range(3):
        culprits |= set(await rig.shop.bring(1, customer=CULPRIT))
        await rig.shop.bring(2)
        await rig.life()
    await rig.supervise(lambda: rig.log.are_done("webhook-bridge"))
    log = await rig.log.require_balance(died=True)

    assert {one.status for one in log if one.slug == "webhook-bridge"} == {"delivered"}
    assert {one.id for one in log if one.status == "failed"} <= culprits


async def test_a_plugin_that_exits_on_every_event_is_left_alone_by_all_until_it_is_mended(rig):
    """Three of its deliveries find it out. The others wait, in every process and in new ones; nobody else's does."""
    await rig.shop.install("exits")
    await rig.shop.bring(8, customer=CULPRIT)
    codes, worker = await rig.supervise(lambda: rig.log.rows("select 1 from pideai_host.plugin_quarantines"))
    host, _ = await asyncio.gather(rig.serve(), rig.worker(FAULTS_MENDED="1"))
    await rig.shop.post(await rig.shop.place(3))
    await rig.log.done("webhook-bridge")
    told, listed = await rig.degraded(host), await rig.operator("plugins", "quarantined")
    own = Counter(one.status for one in await rig.log.deliveries("exits"))
    await rig.log.require_balance(died=True)
    await worker.kill()
    await rig.operator("plugins", "release", "exits")
    log = await rig.log.done()
    await rig.log.require_balance(died=True)

    assert codes == [7] * 5
    assert told == ["plugin exits: quarantined: ended 3 workers within 30 minutes"]
    assert listed.startswith("exits: ended 3 workers within 30 minutes")
    assert own == {"failed": 3, "pending": 8}
    assert Counter(one.status for one in log if one.slug == "exits") == {"failed": 3, "delivered": 8}
    assert {one.status for one in log if one.slug == "webhook-bridge"} == {"delivered"}


@pytest.mark.parametrize(
    ("slug", "outcome", "named"),
    [
        ("raises", ("failed", "ValueError: a bug"), "hook_raised"),
        ("hangs", ("failed", "HookTimeout: hangs: handle_event did not end within 1 s"), "hook_raised"),
        ("swallows", ("failed", "HookTimeout: swallows: handle_event did not end within 1 s"), "hook_stuck"),
        ("blocks", ("delivered", None), "loop_blocked"),
        ("leaks", ("delivered", None), "tasks_left_running"),
    ],
)
async def test_a_plugin_that_goes_wrong_hurts_only_itself(rig, slug, outcome, named):
    """While it blocks the loop the others are late by the block, and that is all: no other call is tried again."""
    await rig.shop.install(slug)
    [_, harmful] = await rig.shop.bring(1, customer=CULPRIT)
    await rig.shop.bring(20)
    worker = await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance()
    worker.require_alive()
    [culprit] = [one for one in log if one.id == harmful]
    others = [one for one in log if one.id != harmful]

    assert (culprit.status, culprit.error and culprit.error.removeprefix("gave up after 2 attempts: ")) == outcome
    assert {(one.status, one.attempts) for one in others} == {("delivered", 1)}
    assert [line for line in worker.log.splitlines() if named in line and f'"{slug}"' in line]


async def test_while_a_plugin_blocks_the_loop_others_wait_for_its_end_and_no_longer(rig, until, tmp_path):
    """The block lasts until the test ends it, and the culprit is named meanwhile. Nothing that came during it is made
    before its end; then all of it is, once."""
    gate = tmp_path / "gate"
    await rig.shop.install("blocks")
    await rig.shop.bring(1, customer=CULPRIT)
    worker = await rig.worker(FAULTS_GATE=str(gate))
    await worker.said("loop_blocked")
    meanwhile = set(await rig.shop.bring(20))
    asked = [line for line in worker.log.splitlines() if "loop_blocked" in line]
    made = meanwhile & set(rig.receiver.seen)
    pending = {one.status for one in await rig.log.deliveries() if one.id in meanwhile}
    await asyncio.to_thread(gate.touch)
    log = await rig.log.done()
    await rig.log.require_balance()
    worker.require_alive()

    assert (made, pending) == (set(), {"pending"})
    assert len(asked) == 1
    assert '"blocks"' in asked[0]
    assert {(one.status, one.attempts) for one in log} == {("delivered", 1)}
    assert set(rig.receiver.seen.values()) == {1}


async def test_a_worker_with_calls_that_swallow_their_cancellation_still_stops(rig, until):
    await rig.shop.install("swallows")
    await rig.shop.bring(3, customer=CULPRIT)
    worker = await rig.worker()
    await rig.log.done()
    worker.terminate()

    assert await asyncio.wait_for(worker.ended(), 15) == 0


async def test_a_plugin_that_leaves_ever_more_tasks_running_is_left_alone_by_its_process(rig, until):
    """Its deliveries wait for another process; so does nobody else's. What it left does not keep the process alive."""
    await rig.shop.install("leaks")
    await rig.shop.bring(3, customer=CULPRIT)
    host = await rig.serve(with_worker=True)
    await rig.log.done()
    [reason] = await until(lambda: rig.degraded(host, "quarantined"))
    await rig.shop.bring(5)
    await rig.log.done("webhook-bridge")
    waiting = [one.status for one in await rig.log.deliveries("leaks")]
    await rig.log.require_balance()
    host.terminate()
    code = await asyncio.wait_for(host.ended(), 15)
    await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance()

    assert reason == "plugin leaks: quarantined: its calls left 1200 tasks running"
    assert waiting == ["delivered"] * 3 + ["pending"] * 5
    assert (code, {one.status for one in log}) == (0, {"delivered"})

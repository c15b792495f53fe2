"""A plugin that goes wrong hurts only itself: everybody else's deliveries arrive, and the culprit is named."""

import asyncio

import pytest

CULPRIT = "culprit"


async def test_a_plugin_that_exits_the_interpreter_is_named_after_three_calls(rig, until):
    """The worker is started again each time. Who was claimed beside the culprit, in any lane, is not blamed."""
    await rig.shop.install("exits")
    await rig.shop.bring(1, customer=CULPRIT)
    await rig.shop.bring(10)
    codes = []
    for _ in range(3):
        worker = await rig.worker()
        codes.append(await worker.ended())
        await rig.log.end_leases()
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


@pytest.mark.parametrize("slug", ["raises", "hangs", "swallows", "blocks", "leaks"])
async def test_a_plugin_that_goes_wrong_hurts_only_itself(rig, slug):
    await rig.shop.install(slug)
    await rig.shop.bring(1, customer=CULPRIT)
    await rig.shop.bring(20)
    worker = await rig.worker()
    log = await rig.log.done()
    await rig.log.require_balance()
    worker.require_alive()
    own = sorted(one.status for one in log if one.slug == slug)
    others = [one for one in log if one.slug != slug]

    assert {one.status for one in others} == {"delivered"}
    assert own[:20] == ["delivered"] * 20
    assert own[20] in {"delivered", "failed"}
    assert sorted(rig.receiver.seen.values()) == [1] * 21


async def test_a_worker_with_calls_that_swallow_their_cancellation_still_stops(rig, until):
    await rig.shop.install("swallows")
    await rig.shop.bring(3, customer=CULPRIT)
    worker = await rig.worker()
    await rig.log.done()
    worker.terminate()

    assert await asyncio.wait_for(worker.ended(), 15) == 0

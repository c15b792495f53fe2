"""Whatever a receiver answers, or does not, is an outcome of its own deliveries and of no other's."""

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

MEBIBYTE = b"x" * (1 << 20)


async def hang(_):
    await asyncio.Event().wait()


async def drip(request):
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(20):
            await response.write(b"x")
            await asyncio.sleep(0.05)
    return response


async def reset(request):
    request.transport.abort()
    return web.Response()


async def garbage(_):
    return web.Response(body=bytes(range(256)) * 10, headers={"content-type": "application/json"})


async def flood(request):
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(50):
            await response.write(MEBIBYTE)
    return response


async def too_many(_):
    return web.Response(status=429, headers={"retry-after": "600"})


async def gone(_):
    return web.Response(status=410, text="gone")


@pytest.fixture
def behaviours(rig):
    """Let each store's receiver do as it was told, by the store in the path."""
    told = {}

    async def answer(request):
        return await told.get(request.match_info["store"], _ok)(request)

    rig.receiver.answer = answer
    return told


async def _ok(_):
    return web.Response()


async def test_each_receiver_gets_what_it_deserves_and_nobody_elses_delivery_is_hurt(rig, behaviours, until):
    kinds = {
        "drip": drip,
        "garbage": garbage,
        "flood": flood,
        "hang": hang,
        "reset": reset,
        "many": too_many,
        "gone": gone,
    }
    stores = {}
    for name, behaviour in kinds.items():
        store_id = stores[name] = await rig.shop.open_store(f"bad-{name}")
        behaviours[str(store_id)] = behaviour
        await rig.shop.bring(2, store_id=store_id)
    await rig.shop.bring(20)
    worker = await rig.worker()

    async def all_was_tried():
        by_store = {}
        for one in await rig.log.deliveries():
            by_store.setdefault(one.store_id, []).append(one)
        tried = [one for name, store in stores.items() if name != "hang" for one in by_store[store]]
        good = by_store[rig.shop.store_id]
        return by_store if all(one.attempts for one in tried) and all(one.attempts for one in good) else None

    by_store = await until(all_was_tried)
    parked = dict(
        await rig.log.rows(
            """select store_id, min(extract(epoch from next_attempt_at - now()))::float8
            from public.plugin_events_log where next_attempt_at is not null group by store_id"""
        )
    )
    worker.require_alive()

    told = {name: {(one.status, one.code) for one in by_store[store]} for name, store in stores.items()}
    assert {one.status for one in by_store[rig.shop.store_id]} == {"delivered"}
    assert told == {
        "drip": {("delivered", 200)},
        "garbage": {("delivered", 200)},
        "flood": {("delivered", 200)},
        "hang": {("pending", None)},
        "reset": {("pending", None)},
        "many": {("pending", 429)},
        "gone": {("pending", 410)},
    }
    assert parked[stores["many"]] > 500
    await rig.log.require_balance()

"""Whatever a receiver answers, or does not, is an outcome of its own deliveries and of no other's."""

import asyncio
from collections import Counter
from contextlib import suppress

import pytest
from aiohttp import web

MEBIBYTE = b"x" * (1 << 20)
HASTE = {"retry": {"delays_s": [0.1, 0.1, 0.1], "jitter": 0}}
RETRY_AFTER_S = 600
LOST = ("failed", 4, None)
"""Called four times, under the same id, and never answered."""


async def hang(_):
    await asyncio.Event().wait()


async def drip(request, head=b""):
    """Send what is to be said byte by byte after a head, until nobody reads it any more."""
    request.transport.write(head)
    while request.transport is not None and not request.transport.is_closing():
        request.transport.write(b"x")
        await asyncio.sleep(0.02)
    return web.Response()


async def drip_the_head(request):
    return await drip(request, b"HTTP/1.1 200 OK\r\nX-Slow: ")


async def drip_the_body(request):
    return await drip(request, b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n")


async def drip_a_little(request):
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(20):
            await response.write(b"x")
            await asyncio.sleep(0.01)
    return response


async def reset(request):
    request.transport.abort()
    return web.Response()


async def garbage(_):
    return web.Response(body=bytes(range(256)) * 10, headers={"content-type": "application/json"})


async def no_http(request):
    request.transport.write(b"\x16\x03\x01 what?\r\n\r\n")
    request.transport.close()
    return web.Response()


class Flood:
    """50 MB, as far as anybody reads them."""

    def __init__(self):
        self.mebibytes = 0

    async def __call__(self, request):
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(50):
                await response.write(MEBIBYTE)
                self.mebibytes += 1
        return response


async def too_many(_):
    return web.Response(status=429, headers={"retry-after": str(RETRY_AFTER_S)})


async def gone(_):
    return web.Response(status=410, text="gone")


async def ok(_):
    return web.Response()


@pytest.fixture
def behaviours(rig):
    """Let each store's receiver do as it was told, by the store in the path."""
    told = {}

    async def answer(request):
        return await told.get(request.match_info["store"], ok)(request)

    rig.receiver.answer = answer
    return told


async def test_each_receiver_gets_what_it_deserves_and_nobody_elses_delivery_is_hurt(rig, behaviours):
    """A status that came counts, whatever becomes of the body; what was not answered is repeated, and given up."""
    flood = Flood()
    deserved = {
        "drips a little": (drip_a_little, ("delivered", 1, 200)),
        "drips the body": (drip_the_body, ("delivered", 1, 200)),
        "drips the head": (drip_the_head, LOST),
        "garbage": (garbage, ("delivered", 1, 200)),
        "no http": (no_http, LOST),
        "flood": (flood, ("delivered", 1, 200)),
        "hangs": (hang, LOST),
        "resets": (reset, LOST),
        "gone": (gone, ("failed", 4, 410)),
        "too many": (too_many, ("pending", 1, 429)),
    }
    stores = {}
    for n, (name, (behaviour, _)) in enumerate(deserved.items()):
        stores[name] = await rig.shop.open_store(f"bad-{n}", policy=HASTE)
        behaviours[str(stores[name])] = behaviour
        await rig.shop.bring(2, store_id=stores[name])
    await rig.shop.bring(20)
    worker = await rig.worker(RIG_IMPATIENCE_S="1")
    log = await rig.log.done(but=stores["too many"])
    await rig.log.require_balance()
    worker.require_alive()
    by_store = {store: [one for one in log if one.store_id == store] for store in (*stores.values(), rig.shop.store_id)}
    got = {
        name: Counter((one.status, one.attempts, one.code) for one in by_store[store]) for name, store in stores.items()
    }
    arrivals = {name: {rig.receiver.seen[one.id] for one in by_store[store]} for name, store in stores.items()}

    assert got == {name: {outcome: 2} for name, (_, outcome) in deserved.items()}
    assert arrivals == {name: {attempts} for name, (_, (_, attempts, _)) in deserved.items()}
    assert all(RETRY_AFTER_S - 60 < one.due_in_s <= RETRY_AFTER_S for one in by_store[stores["too many"]])
    assert Counter((one.status, one.attempts) for one in by_store[rig.shop.store_id]) == {("delivered", 1): 20}
    assert flood.mebibytes < 50

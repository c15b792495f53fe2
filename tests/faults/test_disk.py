"""The database's disk is full: what cannot be kept is not accepted, and what was accepted is delivered."""

import asyncio
import random

import pytest
from aiohttp import web


@pytest.mark.parametrize("server_ends", [False, True], ids=["the server refuses", "the server goes down"])
async def test_a_full_disk_is_borne_until_there_is_room_again(cramped_rig, disk, until, server_ends):
    """Intake answers 503 and the sender comes again; the worker keeps its outcomes and makes no call twice.

    A server that finds no room for its own log goes down, and comes up again only once there is some.
    """
    rig = cramped_rig
    go_on, chance = asyncio.Event(), random.Random(7)

    async def answer_at_length(_):
        await go_on.wait()
        return web.Response(text=chance.randbytes(1_000).hex())  # what can be packed finds room in the rows' pages

    rig.receiver.answer = answer_at_length
    serve, worker = await asyncio.gather(rig.serve(), rig.worker())
    await rig.shop.post(await rig.shop.place(40))
    late = await rig.shop.place(400)
    await until(lambda: _has_seen(rig, 40))
    disk.fill()
    go_on.set()
    posting = asyncio.create_task(rig.shop.post(late))
    await until(lambda: _was_refused(rig))
    await worker.said("outcomes_put_off")
    if server_ends:
        await rig.use_up_the_log()
    disk.make_room()
    if server_ends:
        await rig.start_database()
    await posting
    log = await rig.log.done()
    await rig.log.require_balance()
    serve.require_alive()
    worker.require_alive()

    assert set(rig.shop.refusals) == {503}
    assert {(one.status, one.attempts) for one in log} == {("delivered", 1)}
    assert set(rig.receiver.seen.values()) == {1}


async def _has_seen(rig, count):
    return len(rig.receiver.seen) >= count


async def _was_refused(rig):
    return bool(rig.shop.refusals)

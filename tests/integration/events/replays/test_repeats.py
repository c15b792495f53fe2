"""Nothing is doubled, whatever is repeated, crashes or runs twice."""

import asyncio

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pideai_host.db.pool import open_pool
from pideai_host.events.delivery_log import DeliveryStatus
from pideai_host.events.identity import delivery_id
from pideai_host.events.replay_job import ReplayJob

BULK = "pideai_probe__bulk"
EVERYTHING = tuple(one for one in DeliveryStatus if one is not DeliveryStatus.PENDING)


class Crash(Exception):  # noqa: N818 - what happens, not a fault
    """The process ends here."""


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("at", range(6))
async def test_a_step_that_dies_anywhere_leaves_nothing_of_itself(
    way, database, seed, begin, finish, monkeypatch, at, make_room, replayed_times
):
    """Each statement of a step fails in turn: log, lane and cursor stay as they were, and the next step does it all."""
    made = await seed(*["failed", "delivered"] * 3)
    replay = await begin(statuses=EVERYTHING)
    before = await everything(way)
    await make_room()
    real, calls = psycopg.AsyncCursor.execute, 0

    async def dying(self, *arguments, **named):
        nonlocal calls
        calls += 1
        if calls > at:
            raise Crash
        return await real(self, *arguments, **named)

    async with open_pool(database.runtime_url, min_size=1, max_size=1, check=False) as fragile:
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", dying)
        try:
            await ReplayJob(fragile, on_lanes=lambda _: None).step(replay)
            survived = True
        except Crash:
            survived = False
        monkeypatch.setattr(psycopg.AsyncCursor, "execute", real)

    if not survived:
        assert await everything(way) == before
    await finish(replay)
    assert await replayed_times() == dict.fromkeys(made, 1)


async def everything(way):
    return [
        await way.rows("select id, status, lane, history from public.plugin_events_log order by id"),
        await way.rows(f"select message from pgmq.q_{BULK} order by msg_id"),
        await way.rows("select at_time, at_id, done, replayed from pideai_host.replays"),
        await way.rows("select id from pideai_host.replay_watch"),
    ]


HAPPENINGS = st.lists(st.sampled_from(["step", "two leaders", "worker", "fails", "rewind", "single"]), max_size=14)
SEEDED = st.lists(st.sampled_from(["failed", "delivered", "sent", "expired", "pending", "untaken"]), max_size=9)


@pytest.mark.usefixtures("small", "installation")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seeded=SEEDED, happenings=HAPPENINGS, only_untaken=st.booleans())
async def test_nothing_is_doubled_whatever_is_repeated(
    shop,
    pool,
    installation,
    seed,
    begin,
    job,
    finish,
    seeded,
    happenings,
    only_untaken,
    make_room,
    settle,
    replayed_times,
):
    """Steps run at once, cursors go back as if a commit had been lost, what was replayed settles or fails."""
    await shop.connection.execute(
        "truncate public.plugin_events, public.plugin_events_log, pideai_host.replays cascade"
    )
    await shop.connection.execute(f"delete from pgmq.q_{BULK}")
    made = await seed(*seeded)
    replay = await begin(statuses=EVERYTHING, only_untaken=only_untaken)
    for happening in happenings:
        await make_room()
        match happening:
            case "step":
                await job.step(replay)
            case "two leaders":
                await asyncio.gather(*(ReplayJob(pool, on_lanes=lambda _: None).step(replay) for _ in range(2)))
            case "worker":
                await settle("delivered")
            case "fails":
                await settle("failed")
            case "rewind":
                await shop.connection.execute(
                    "update pideai_host.replays set at_store = null, at_time = null, at_id = null, is_read = false"
                    " where status = 'running'"
                )
            case "single":
                await job.run()
    await finish(replay)

    wanted = [one for one, status in zip(made, seeded, strict=True) if (status == "untaken") == only_untaken]
    if only_untaken:
        expected = {delivery_id(one, installation): 1 for one in wanted}
    else:
        expected = {one: 1 for one, status in zip(made, seeded, strict=True) if status not in {"untaken", "pending"}}
    assert await replayed_times() == expected

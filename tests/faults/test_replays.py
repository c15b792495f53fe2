"""The leader is killed while it replays a range: each delivery of it goes again exactly once, and none is left out."""

import asyncio
import random
from uuid import UUID, uuid4

import pytest

from pideai_host.events.delivery_log import DeliveryStatus
from pideai_host.events.identity import copy_id
from pideai_host.events.replay_range import ReplayFilter, ReplayRanges, ReplayState
from pideai_host.events.replay_write import Order
from rig import Rig, wait_until

SEED = 20261128
BULK = "pideai_webhook_bridge__bulk"
STATUSES = (DeliveryStatus.FAILED, DeliveryStatus.DELIVERED)
STEP = "-- Replay deliveries:%"
COMMIT = "COMMIT"


async def settled(rig: Rig, count: int) -> dict[UUID, str]:
    """Bring in deliveries that are over, every other one failed; their status by id."""
    made = await rig.shop.bring(count)
    statuses = {one: STATUSES[place % 2].value for place, one in enumerate(made)}
    for lane in await rig.log.rows("select queue_name from pgmq.meta"):
        await rig.log.rows(f"delete from pgmq.q_{lane[0]}")
    await rig.log.rows(
        """update public.plugin_events_log d set status = s.status, msg_id = null, processed_at = now()
        from unnest(%s::uuid[], %s::text[]) as s (id, status) where d.id = s.id""",
        list(statuses),
        list(statuses.values()),
    )
    return statuses


async def begin(rig: Rig, per_s: float) -> UUID:
    [(since,)] = await rig.log.rows("select now() - interval '1 hour'")
    wanted = ReplayFilter(since=since, statuses=STATUSES)
    return (await ReplayRanges(rig.pool).begin(rig.shop.store_id, wanted, Order("operator", uuid4()), per_s=per_s)).id


async def state_of(rig: Rig, replay: UUID) -> ReplayState:
    return await ReplayRanges(rig.pool).get(rig.shop.store_id, replay)


async def is_done(rig: Rig, replay: UUID) -> ReplayState:
    async def ended() -> ReplayState | None:
        state = await state_of(rig, replay)
        return state if state.status == "done" else None

    found: ReplayState = await wait_until(ended)
    return found


async def has_moved(rig: Rig, replay: UUID, done: int = 0) -> bool:
    return (await state_of(rig, replay)).done > done


async def require_each_once(rig: Rig, replay: UUID, seeded: dict[UUID, str], *, died: bool) -> None:
    """Hold log and receiver against what the replay was for: what failed as it is, what was delivered by one copy."""
    targets = {one if status == "failed" else copy_id(one, replay) for one, status in seeded.items()}
    rows = await rig.log.rows("select id, status, history from public.plugin_events_log")
    log = {one: status for one, status, _ in rows}
    replays = {
        one: [entry["replay"] for entry in history if entry["outcome"] == "replayed"] for one, _, history in rows
    }

    assert (set(log), len(rows)) == (targets | set(seeded), len(targets | set(seeded)))
    assert set(log.values()) == {"delivered"}
    assert {one for one, found in replays.items() if found} == targets
    assert {tuple(found) for found in replays.values() if found} == {(str(replay),)}
    assert set(rig.receiver.seen) == targets
    assert died or set(rig.receiver.seen.values()) == {1}
    assert await rig.log.queued() == set()


@pytest.mark.long(rounds=20, shortened=3)
@pytest.mark.timeout(600)
async def test_the_leader_is_killed_again_and_again_in_the_middle_of_a_range(rig, rounds):
    """At random moments, with the only worker there is; the next one goes on where the last committed step ended."""
    chance = random.Random(SEED)
    seeded = await settled(rig, 60 * rounds)
    replay = await begin(rig, 20.0)
    for _ in range(rounds):
        done = (await state_of(rig, replay)).done
        worker = await rig.worker()
        await wait_until(lambda done=done: has_moved(rig, replay, done))
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        await worker.kill()
        await rig.log.end_leases()
    killed_at = await state_of(rig, replay)
    await rig.worker()
    state = await is_done(rig, replay)
    await require_each_once(rig, replay, seeded, died=True)

    assert killed_at.done < len(seeded)
    assert (state.total, state.done, state.replayed) == (len(seeded),) * 3
    assert state.results == {"delivered": len(seeded)}


async def test_another_worker_takes_over_when_the_leader_is_killed(rig):
    seeded = await settled(rig, 60)
    leader = await rig.worker()
    await leader.said("scheduler_leads")
    other = await rig.worker()
    replay = await begin(rig, 20.0)
    await wait_until(lambda: has_moved(rig, replay))
    await leader.kill()
    killed_at = await state_of(rig, replay)
    await other.said("scheduler_leads")
    await rig.log.end_leases()
    await is_done(rig, replay)
    await require_each_once(rig, replay, seeded, died=True)

    assert 0 < killed_at.done < len(seeded)


async def test_the_leader_dies_within_a_step(rig, until):
    """It has locked its rows and sends what it replays: nothing of the step is left, and the next leader does it."""
    seeded = await settled(rig, 10)
    worker = await rig.worker()
    async with rig.pool.connection() as holder, holder.transaction():
        await holder.execute(f"lock table pgmq.q_{BULK} in share mode")
        replay = await begin(rig, 50.0)
        await until(lambda: rig.waits_for("Lock", STEP))
        await worker.kill()
        await rig.cut_connections()
    before = await state_of(rig, replay)
    log = await rig.log.deliveries()
    await rig.worker()
    await is_done(rig, replay)
    await require_each_once(rig, replay, seeded, died=False)

    assert (before.done, before.unsettled) == (0, 0)
    assert {one.id: one.status for one in log} == seeded


async def test_the_leader_dies_after_a_step(durable_rig, until):
    """The step is committed and nobody hears of it: the next leader goes on behind it."""
    rig = durable_rig
    seeded = await settled(rig, 40)
    replay = await begin(rig, 5.0)
    worker = await rig.worker()
    for _ in range(2):  # by its second step the leader has run every other job once
        done = (await state_of(rig, replay)).done
        await until(lambda done=done: has_moved(rig, replay, done))
    async with rig.commits_held():
        await until(lambda: rig.waits_for("IPC", COMMIT))
        done = (await state_of(rig, replay)).done
        await worker.kill()
    await until(lambda: has_moved(rig, replay, done))
    await rig.log.end_leases()
    await rig.worker()
    state = await is_done(rig, replay)
    await require_each_once(rig, replay, seeded, died=True)

    assert done < len(seeded)
    assert (state.done, state.replayed) == (len(seeded), len(seeded))

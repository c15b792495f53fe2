"""What tests of replays share: deliveries to replay, a replay moved on step by step, and what became of them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events import replay_job
from pideai_host.events.replay_job import ReplayJob
from pideai_host.events.replay_range import ReplayFilter, ReplayRanges, ReplayStatus
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EVERY_STORE

BULK = "pideai_probe__bulk"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

SEED = """
with placed as (
  select n, gen_random_uuid() as event_id, now() - %(age)s::interval - n * interval '1 second' as at, status,
         %(type)s as type
  from unnest(%(statuses)s::text[]) with ordinality as s (status, n)
),
kept as (
  insert into public.plugin_events (id, created_at, store_id, type, payload, occurred_at, source, completed_at)
  select event_id, at, %(store_id)s, type, '{}', at, 'webhook', at from placed
),
logged as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, status, attempts, installation_id, event_id, event_created_at,
     lane)
  select gen_random_uuid(), p.at, %(store_id)s, sp.plugin_id, p.type, p.status, 4, sp.id, p.event_id, p.at,
         'pideai_probe'
  from placed p join public.store_plugins sp on sp.store_id = %(store_id)s
  where p.status <> 'untaken'
  returning id, event_id
)
select coalesce(l.id, p.event_id) from placed p left join logged l on l.event_id = p.event_id order by p.n
"""
"""Deliveries in these states, or events that nobody took ('untaken'), a second apart, the newest first."""


@pytest.fixture
def ranges(pool):
    return ReplayRanges(pool)


@pytest.fixture
def told():
    return []


@pytest.fixture
def job(pool, told):
    return ReplayJob(pool, on_lanes=told.append)


@pytest.fixture
def small(monkeypatch):
    """Steps of three deliveries, pages of five rows."""
    monkeypatch.setattr(replay_job, "STEP_MAX", 3)
    monkeypatch.setattr(replay_job, "PAGE", 5)


@pytest.fixture
def seed(shop, installation):
    async def some(*statuses, store_id=None, age="1 hour", event_type="order.ready"):
        parameters = {"statuses": list(statuses), "store_id": store_id or shop.store_id, "age": age, "type": event_type}
        return [row[0] for row in await (await shop.connection.execute(SEED, parameters)).fetchall()]

    return some


@pytest.fixture
def begin(ranges, shop, wanting):
    async def one(scope=None, *, replay_id=None, per_s=1_000.0, **wanted):
        order = Order("user 7", replay_id or uuid4())
        return (await ranges.begin(scope or shop.store_id, wanting(**wanted), order, per_s=per_s)).id

    return one


@pytest.fixture
def move(job, make_room):
    """Give a replay a step with its rate unused."""

    async def on(replay_id):
        await make_room()
        return await job.step(replay_id)

    return on


@pytest.fixture
def finish(move, ranges, settle):
    """Move a replay on until it is over, everything that it queues being delivered at once."""

    async def until_over(replay_id, *, status="delivered"):
        for _ in range(200):
            await move(replay_id)
            await settle(status)
            state = await ranges.get(EVERY_STORE, replay_id)
            if state.status is ReplayStatus.DONE:
                return state
        raise AssertionError(f"it does not end: {state}")

    return until_over


@pytest.fixture
def wanting():
    """A filter over all time, narrowed by what is named."""

    def of(**wanted):
        return ReplayFilter(**{"since": LONG_AGO, **wanted})

    return of


@pytest.fixture
def make_room(shop):
    """Leave every replay's rate unused for a day."""

    async def unused():
        await shop.connection.execute("update pideai_host.replays set paced_at = now() - interval '1 day'")

    return unused


@pytest.fixture
def settle(shop):
    """Settle what is queued, as a worker would."""

    async def as_(status):
        await shop.connection.execute(f"delete from pgmq.q_{BULK}")
        await shop.connection.execute(
            """update public.plugin_events_log set status = %s, msg_id = null, processed_at = now()
            where status = 'pending' and msg_id is not null""",
            (status,),
        )

    return as_


@pytest.fixture
def replayed_times(way):
    """How often each delivery went again, its copies included."""

    async def counted():
        return dict(
            await way.rows(
                """select coalesce(d.replay_of, d.id), count(*)
                from public.plugin_events_log d, jsonb_array_elements(d.history) as h (entry)
                where entry ->> 'outcome' = 'replayed' group by 1"""
            )
        )

    return counted


@pytest.fixture
async def others(shop, installation, seed):
    """Stores beside the shop's: two with the plugin and a failed delivery each, one with nothing."""
    made = []
    for name in ("one", "two", "empty"):
        store_id = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain=name, name=name)
        if name != "empty":
            await shop.connection.execute(
                """insert into public.store_plugins (store_id, plugin_id, config)
                select %s, id, '{}' from public.plugins where slug = 'probe'""",
                (store_id,),
            )
            made += await seed("failed", store_id=store_id)
    return made

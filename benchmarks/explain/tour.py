"""A tour through all that the host asks of its database, each statement explained on the way.

The engine runs in this process on a database that is empty but for the stores, or on one that is years old: it takes
orders in by all three doors, completes and delivers them, brings back what is due, and so on. Nothing is imitated, so
what is explained is what runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import uuid4

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import TupleRow

from benchmarks import orders, seed
from benchmarks.explain.plans import Plan
from benchmarks.explain.watch import Watch
from benchmarks.fill.aged import Aged
from benchmarks.fill.history import WEEKS
from benchmarks.fill.orders import place_orders
from benchmarks.fill.parked import SHARES
from benchmarks.harness import LOOK_S, Bench
from benchmarks.places import Place, Target
from benchmarks.ready import BRIDGE
from benchmarks.statements import known
from pideai_host.db.sql import load, query
from pideai_host.events.replay_range import ReplayFilter, ReplayRanges
from pideai_host.events.replay_write import Order
from pideai_host.settings import Settings
from pideai_host.stores.wire import UpdateIn
from pideai_host.web.engine import Engine, open_engine

FUNCTIONS: Final = {
    "claim": "pideai_host.claim_ready",
    "promote": "pideai_host.promote_due",
    "share": "pideai_host.wait_in_main_lane",
}
INSTALLED_FOR: Final = timedelta(days=2)
ORDERS: Final = 128
DUE: Final = 500
LIMIT_S: Final = 120.0

_PREPARE: Final = load("benchmarks", "sql/tour_prepare.sql")
_QUIET: Final = query(load("benchmarks", "sql/tour_quiet.sql"))
_DUE: Final = query(load("benchmarks", "sql/tour_due.sql"))
_REPLAYED: Final = query("select not exists (select from pideai_host.replays where finished_at is null)")
_PROBE: Final = query("update pideai_host.breakers set until = now() where installation_id = %(id)s")
_PARKED: Final = query(load("benchmarks", "sql/tour_parked.sql"))


async def plans(bench: Bench, aged: Aged) -> dict[str, Plan]:
    """Take the tour on a database; answers the plans by the names of their statements."""
    watch = Watch(known(), FUNCTIONS)
    place = aged.place
    await _prepare(place)
    settings = Settings.from_env({**bench.environ, **place.environ, "PIDEAI_SWEEP_INTERVAL_S": "1"})
    with watch.looking():
        async with open_engine(settings, with_worker=True) as engine:
            tour = Tour(engine, aged)
            for part in (
                tour.backlog,
                tour.webhooks,
                tour.sweep,
                tour.rate,
                tour.due,
                tour.breaker,
                tour.enable,
                tour.replay,
            ):
                watch.begin_part()
                async with asyncio.timeout(LIMIT_S):
                    await part()
                    await _until(lambda: _is_true(place.connection, _QUIET))
    return watch.plans


async def _prepare(place: Place) -> None:
    """Leave what a host finds when it starts: a backlog, some of it claimed often before, captured changes, old ids."""
    await seed.backlog(place, ORDERS, complete=False)
    bodies = [orders.change_body(target.store_id) for target in place.targets[:ORDERS]]
    records = msgspec.json.encode([msgspec.json.decode(body)["record"] for body in bodies]).decode()
    values = {"records": records, "installed_for": INSTALLED_FOR}
    for statement in filter(None, map(str.strip, _PREPARE.split(";"))):
        await place.connection.execute(query(statement), values)


class Tour:
    """The parts of the way, one after the other."""

    def __init__(self, engine: Engine, aged: Aged) -> None:
        self._engine = engine
        self._place = aged.place
        self._parked = aged.parked

    async def backlog(self) -> None:
        """Deliver what was there before the start, and take captured changes in."""

    async def webhooks(self) -> None:
        """Take orders in by the first door, each with its items in the shop's tables."""
        await self._orders(self._place.targets)

    async def sweep(self) -> None:
        """Find orders, changes of status and carts that no door brought."""
        connection = self._place.connection
        await seed.stage(connection, self._place.targets, ORDERS)
        await place_orders(self._place, older_s=60.0, with_carts=True)  # within what a sweep reads again
        await _until(lambda: _is_true(connection, query(load("benchmarks", "sql/tour_swept.sql"))))

    async def rate(self) -> None:
        """Deliver for a store that wants no more than so many calls a second."""
        target = self._place.targets[0]
        change = UpdateIn(policy={"limits": {"per_store_per_s": 1_000}})
        await self._engine.lifecycle.update(target.store_id, BRIDGE, change)
        await self._orders([target])

    async def due(self) -> None:
        """Bring back what is due."""
        await self._place.connection.execute(_DUE, {"id": self._waiting_for("retry").installation_id, "limit": DUE})

    async def breaker(self) -> None:
        """Probe a receiver that is well again, close its breaker, deliver what it had parked."""
        installation = self._waiting_for("breaker").installation_id
        await self._place.connection.execute(_PROBE, {"id": installation})
        await self._until_none_parked(self._waiting_for("breaker"))

    async def enable(self) -> None:
        """Enable an installation again, then disable it."""
        target = self._waiting_for("disabled")
        await self._engine.lifecycle.update(target.store_id, BRIDGE, UpdateIn(enabled=True))
        await self._until_none_parked(target)
        await self._engine.lifecycle.update(target.store_id, BRIDGE, UpdateIn(enabled=False))

    async def replay(self) -> None:
        """Replay what of one store's history was not delivered."""
        scope = self._place.targets[1].store_id
        wanted = ReplayFilter(since=await self._place.now() - timedelta(weeks=WEEKS))
        order = Order(by="user benchmarks", replay_id=uuid4())
        await ReplayRanges(self._engine.pool).begin(scope, wanted, order, per_s=1_000.0)
        await _until(lambda: _is_true(self._place.connection, _REPLAYED))

    async def _orders(self, targets: Sequence[Target]) -> None:
        await seed.stage(self._place.connection, targets, ORDERS)
        await place_orders(self._place, older_s=INSTALLED_FOR.total_seconds() + 3_600.0)
        rows = await self._place.connection.execute("select store_id, order_id from fresh")
        bodies = [orders.change_body(store_id, order_id) for store_id, order_id in await rows.fetchall()]
        await asyncio.gather(*(self._engine.door.receive(body) for body in bodies))

    def _waiting_for(self, reason: str) -> Target:
        return self._parked[list(SHARES).index(reason)]

    async def _until_none_parked(self, target: Target) -> None:
        statement = _PARKED.format(id=sql.Literal(target.installation_id))
        await _until(lambda: _is_true(self._place.connection, statement))


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    while True:
        if await condition():
            return
        await asyncio.sleep(LOOK_S)


async def _is_true(connection: AsyncConnection[TupleRow], statement: sql.SQL | sql.Composed) -> bool:
    row = await (await connection.execute(statement)).fetchone()
    return row is not None and bool(row[0])

"""What tests of order share: a plugin that asks for it, and an order's way by hand, one statement at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import msgspec
import pytest

from pideai_host.api import RetryPolicy
from pideai_host.events.dispatch import Dispatched
from pideai_host.events.ordering import Member, Ordering, OrderUpkeep, leave
from pideai_host.events.settle import Settled, settlement_of
from pideai_host.events.sources import NewEvent
from pideai_host.events.verdict import Verdict

NOW = datetime(2026, 11, 28, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
PAYLOAD = """{"orderId": "%s", "orderNumber": "%s", "status": "ready", "customerName": "Ana", "customerPhone": null,
    "orderType": "pickup", "total": 1, "currency": "USD"}"""
STATES = """select e.occurred_at, d.status, coalesce(d.park_reason, case when d.msg_id is not null then 'queued' end)
    from public.plugin_events_log d join public.plugin_events e on e.id = d.event_id order by e.occurred_at"""


@dataclass
class Orders:
    """Events of entities of one store, by version, and their deliveries."""

    way: Any
    store_id: UUID
    connection: Any

    def event(self, version: int, entity: str | None = "one", event_id: UUID | None = None) -> NewEvent:
        payload = PAYLOAD % (uuid5(UUID(int=0), entity or ""), entity)
        return NewEvent(
            id=event_id or uuid4(),
            store_id=self.store_id,
            type="order.updated",
            payload=msgspec.Raw(payload.encode()),
            occurred_at=NOW + version * MICROSECOND,
            source="test",
            entity_id=entity,
        )

    async def bring(self, *versions: int, entity: str | None = "one") -> None:
        """Bring versions of one entity, one after the other."""
        for version in versions:
            await self.way.intake.put([self.event(version, entity)])

    async def states(self) -> dict[int, str]:
        """Version -> what holds it: queued, the reason for which it is parked, or its final status."""
        rows = await self.way.rows(STATES)
        return {version_at(at): where if status == "pending" else status for at, status, where in rows}

    async def begin(self) -> list[Any]:
        """Claim what is ready and begin it, as a worker does; what is behind is parked."""
        batch = await self.way.claim()
        behind = await Ordering(self.way.pool).begin(batch, ())
        for one in batch:
            if one.id in behind:
                await self.park(one)
        return [one for one in batch if one.id not in behind]

    async def settle(
        self, claimed: Any, status: str = "delivered", *, delay_s: float | None = None, park_reason: str | None = None
    ) -> None:
        """Write an outcome, and no more: as by a worker that dies then."""
        verdict = Verdict(status=status, outcome=status, delay_s=delay_s, park_reason=park_reason)
        settlement = settlement_of(claimed, Dispatched(verdict), at=NOW, worker="w")
        await self.way.settler.put(Settled(lane=claimed.lane, plugin="probe", settlement=settlement, outcome=status))

    async def finish(self, claimed: Any, status: str = "delivered") -> None:
        await self.settle(claimed, status)
        await leave(self.way.pool, self.members([claimed]))

    async def park(self, claimed: Any) -> None:
        await self.settle(claimed, "pending", park_reason="order")
        await leave(self.way.pool, self.members([claimed]))

    def members(self, batch: Sequence[Any]) -> list[Member]:
        return [Member(one.installation_id, one.entity_id, one.id) for one in batch]

    def upkeep(self) -> OrderUpkeep:
        return OrderUpkeep(self.way.pool, on_lanes=self.way.intake.tell)

    async def do(self, statement: str, *parameters: Any) -> None:
        """Change something behind the host's back."""
        await self.connection.execute(statement, parameters or None)


def version_at(instant: datetime) -> int:
    return (instant - NOW) // MICROSECOND


@pytest.fixture
def probe(probe: Any) -> Any:
    """Asks for order; what is to be tried again is tried when a test makes it due."""
    probe.definition = msgspec.structs.replace(
        probe.definition, ordered=True, retry=RetryPolicy(delays_s=(600.0, 600.0), jitter=0.0), breaker=None
    )
    return probe


@pytest.fixture
def orders(way: Any, shop: Any) -> Orders:
    return Orders(way, shop.store_id, shop.connection)

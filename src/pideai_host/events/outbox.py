"""Keep what a plugin did in a call that is no delivery: the events it emitted, and the deliveries it settled.

The ids of the events come from the store, the plugin and the plugin's own keys, so that a call which comes again, since
its answer was lost, emits nothing twice.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host.api import DatabaseUnavailable, PluginFault
from pideai_host.db.pool import Pool
from pideai_host.db.sql import query
from pideai_host.events.intake import Intake, refused
from pideai_host.events.patience import patiently
from pideai_host.events.rows import NotUnderstood
from pideai_host.events.sources import NewEvent, encode_payload
from pideai_host.stores import receipts
from pideai_host.stores.context import Emitted, HostContext
from pideai_host.telemetry import EVENTS_ACCEPTED, get_logger

_APART: Final = timedelta(microseconds=1)
_CLOCK: Final = query("select clock_timestamp()")
_log: Final = get_logger(__name__)


class Outbox:
    """Writes what calls leave.

    Args:
        pool: Runtime connections.
        intake: Where events go.
        on_changed: Called after a commit with the stores whose deliveries have changed; must not block.
    """

    def __init__(self, pool: Pool, intake: Intake, *, on_changed: Callable[[set[UUID]], None] | None = None) -> None:
        self._pool = pool
        self._on_changed = on_changed
        self._intake = intake

    async def keep(self, context: HostContext) -> None:
        """Write what one call left, all of it or nothing; returns after the commit.

        Raises:
            PluginFault: the database refuses a value of it.
            DatabaseUnavailable: it could not be written now; the same call may be made again.
        """
        reports, emitted = context.receipts, context.emitted
        if not reports and not emitted and not context.wakes:
            return

        async def write(connection: AsyncConnection[TupleRow]) -> tuple[set[UUID], set[str]]:
            async with connection.transaction():
                [(at,)] = await (await connection.execute(_CLOCK)).fetchall()
                ids = (context.store_id, context.plugin_id)
                changed = await receipts.write(connection, *ids, reports, at=at) if reports else set()
                if context.wakes:
                    await receipts.wake(connection, context.store_id, context.installation.id)
                events = [_event_of(context.store_id, one, at + n * _APART) for n, one in enumerate(emitted)]
                return changed, await self._intake.store(events, connection) if events else set()

        try:
            changed, lanes = await patiently(self._pool, write)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise _refused(context, refused(error)) from error
        except (psycopg.Error, PoolTimeout, PoolClosed) as error:
            raise DatabaseUnavailable("what the call did could not be written", hint="Send it again.") from error
        self._intake.tell(lanes)
        EVENTS_ACCEPTED.labels(door="emit").inc(len(emitted))
        if changed and self._on_changed is not None:
            self._on_changed({context.store_id})
        if reports:
            context.log.info("deliveries_reported", reported=len(reports), changed=len(changed))


def _event_of(store_id: UUID, emitted: Emitted, at: datetime) -> NewEvent:
    return NewEvent(
        id=emitted.id,
        store_id=store_id,
        type=emitted.type,
        payload=msgspec.Raw(encode_payload(emitted.payload)),
        occurred_at=at,
        source="emit",
        entity_id=_order_of(emitted.payload),
        bulk=emitted.bulk,
        traceparent=emitted.traceparent,
    )


def _order_of(payload: Any) -> str | None:
    """Return the order that a payment is about."""
    order_id = getattr(payload, "order_id", None)
    return None if order_id is None else str(order_id)


def _refused(context: HostContext, problem: NotUnderstood) -> PluginFault:
    context.log.warning("emitted_refused", reason=problem.reason, detail=problem.detail[:200])
    return PluginFault(f"{context.plugin}: the database refuses what was emitted", slug=context.plugin)

"""What providers report of deliveries that they had accepted: what `context.deliveries` collects."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from pideai_host.api import Outcome, PluginEventResult, PluginFault
from pideai_host.db.sql import load, query

RECEIPTS_MAX: Final = 1_000
ERROR_MAX_CHARS: Final = 500
DATA_MAX_BYTES: Final = 8_192
_ENDS: Final = (Outcome.DELIVERED, Outcome.FAILED)

_WRITE: Final = query(load("pideai_host.stores", "sql/deliveries_receipts.sql"))
_WAKE: Final = query(load("pideai_host.stores", "sql/deliveries_woken.sql"))
_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


class Receipt(msgspec.Struct, frozen=True):
    """What became of a delivery."""

    id: UUID
    status: str
    error: str | None
    data: msgspec.Raw | None


class Receipts:
    """Collects the reports of one call; see `pideai_host.api.Deliveries`.

    Args:
        plugin: Its slug.
        is_open: Whether the call is one whose reports are kept.
    """

    def __init__(self, plugin: str, *, is_open: bool) -> None:
        self._plugin = plugin
        self._is_open = is_open
        self._receipts: dict[UUID, Receipt] = {}
        self.wakes = False
        """Whether what waits is to be woken."""

    def settle(self, delivery_id: UUID, result: PluginEventResult) -> None:
        """Note what became of a delivery; what is said first of one stands.

        Raises:
            PluginFault: the call is a delivery or a lifecycle hook, the result is none of delivered and failed, its
                data is not small JSON, or there are too many.
        """
        if not self._is_open:
            raise self._fault("settle belongs to a webhook, a route, a job or a command, and this call is none")
        if type(delivery_id) is not UUID or type(result) is not PluginEventResult:
            raise self._fault("settle takes a delivery's id and what delivered() or failed() return")
        if result.resolved not in _ENDS:
            raise self._fault(f"settle takes delivered() or failed(), not {result.resolved}")
        if len(self._receipts) >= RECEIPTS_MAX:
            raise self._fault(f"more than {RECEIPTS_MAX} deliveries settled in one call")
        self._receipts.setdefault(
            delivery_id, Receipt(delivery_id, result.resolved.value, _line(result.error), self._encoded(result.data))
        )

    def wake(self) -> None:
        """Note that what waits is to be woken.

        Raises:
            PluginFault: the call is no webhook, no route and no job.
        """
        if not self._is_open:
            raise self._fault("wake belongs to a webhook, a route or a job, and this call is none")
        self.wakes = True

    @property
    def all(self) -> list[Receipt]:
        """What was noted."""
        return list(self._receipts.values())

    def _encoded(self, data: dict[str, Any] | None) -> msgspec.Raw | None:
        if data is None:
            return None
        try:
            encoded = _encode(data)
        except (TypeError, ValueError, RecursionError) as problem:
            raise self._fault(f"the data of a settled delivery is not JSON: {problem}") from None
        if len(encoded) > DATA_MAX_BYTES:
            raise self._fault(f"the data of a settled delivery has {len(encoded)} bytes; at most {DATA_MAX_BYTES}")
        return msgspec.Raw(encoded)

    def _fault(self, message: str) -> PluginFault:
        return PluginFault(f"{self._plugin}: {message}", slug=self._plugin)


async def write(
    connection: AsyncConnection[Any], store_id: UUID, plugin_id: UUID, receipts: Sequence[Receipt], *, at: datetime
) -> set[UUID]:
    """Write reports on deliveries of one store and plugin; return those that changed something. One round trip."""
    rows = [{**msgspec.structs.asdict(one), "entry": _entry(one, at)} for one in receipts]
    parameters = {"store_id": store_id, "plugin_id": plugin_id, "receipts": _encode(rows).decode()}
    return {row[0] for row in await (await connection.execute(_WRITE, parameters)).fetchall()}


async def wake(connection: AsyncConnection[Any], store_id: UUID, installation_id: UUID) -> int:
    """Make due what waits of an installation; return how many."""
    parameters = {"store_id": store_id, "installation_id": installation_id}
    return (await connection.execute(_WAKE, parameters)).rowcount


def _entry(receipt: Receipt, at: datetime) -> dict[str, Any]:
    """Return the line of the delivery's history."""
    entry = {"at": at.isoformat(), "outcome": receipt.status, "receipt": True}
    return entry if receipt.error is None else {**entry, "error": receipt.error}


def _line(text: str | None) -> str | None:
    """PostgreSQL's text holds no NUL and no lone surrogate."""
    return None if text is None else text[:ERROR_MAX_CHARS].replace("\x00", "").encode("utf-8", "replace").decode()

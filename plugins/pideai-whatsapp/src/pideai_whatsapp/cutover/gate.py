"""Whether the host may speak for a store, and for one change: asked when it is enabled and before a notice is sent."""

from datetime import UTC, datetime
from typing import Final

from pideai_host.api import EventType, NotReady, OrderPayload, PluginContext, PluginEventResult, skipped, wait
from pideai_whatsapp.sending.facts import OrderChange
from pideai_whatsapp.statements import statement

PENDING: Final = (
    "cutover pending: los avisos de esta tienda los envía todavía el sistema anterior; quien opera la plataforma la "
    "pasa a este plugin con `pideai-host whatsapp cutover`."
)
WAIT_S: Final = 2.0
CREATED: Final = "created"
"""What stands for a status where the change is that the order was placed; it happens once, so at no instant."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


async def require_cut_over(context: PluginContext) -> None:
    """Ask whether today's triggers still send for the store.

    Raises:
        NotReady: they do, so both would.
    """
    row = await context.db.fetch_one(statement("cutover_pending"), {"store_id": context.store_id})
    if row is not None and row["is_pending"]:
        raise NotReady(PENDING)


def change_of(event_type: str, order: OrderPayload) -> OrderChange:
    """Return which change of an order an event tells of."""
    if event_type == EventType.ORDER_CREATED:
        return OrderChange(status=CREATED, version=_EPOCH)
    return OrderChange(status=order.status, version=order.updated_at)


def answer_of_side(side: str) -> PluginEventResult | None:
    """Answer for a change that is not the host's to announce, or not yet; None where it is.

    Args:
        side: What ``pideai_whatsapp.side_of`` says of it.
    """
    match side:
        case "triggers":
            return skipped("El sistema anterior ya avisó de este cambio.")
        case "wait":
            return wait("La tienda está pasando a este plugin.", retry_after_s=WAIT_S)
        case _:
            return None

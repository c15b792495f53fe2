"""Whether the host may speak for a store, and for one change: asked when it is enabled and before a notice is sent."""

from typing import Final

from pideai_host.api import NotReady, PluginContext, PluginEventResult, skipped, wait
from pideai_whatsapp.statements import statement

PENDING: Final = (
    "cutover pending: los avisos de esta tienda los envía todavía el sistema anterior; quien opera la plataforma la "
    "pasa a este plugin con `pideai-host whatsapp cutover`."
)
WAIT_S: Final = 2.0


async def require_cut_over(context: PluginContext) -> None:
    """Ask whether today's triggers still send for the store.

    Raises:
        NotReady: they do, so both would.
    """
    row = await context.db.fetch_one(statement("cutover_pending"), {"store_id": context.store_id})
    if row is not None and row["is_pending"]:
        raise NotReady(PENDING)


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

"""Which message an order's event calls for, if any: the whole rule, without a database or a clock.

Moving to ready, delivered or cancelled makes two events, ``order.status_changed`` and one of its own. Each notice is
bound to exactly one of them, so that none goes out twice. A change that moves an order backwards (a driver's pick-up
sets a ready order to preparing again) is no news for the customer, nor is a notice that was given before.
"""

from typing import Final

import msgspec

from pideai_host.api import EventType, OrderPayload, OrderStatusPayload
from pideai_whatsapp.sending.switches import Switches
from pideai_whatsapp.text.templates import MessageType

_BY_EVENT: Final[dict[str, MessageType]] = {
    EventType.ORDER_CREATED: MessageType.ORDER_CONFIRMATION,
    EventType.ORDER_READY: MessageType.ORDER_READY,
    EventType.ORDER_COMPLETED: MessageType.ORDER_DELIVERED,
    EventType.ORDER_CANCELLED: MessageType.ORDER_CANCELLED,
}
_BY_STATUS: Final = {
    "confirmed": MessageType.ORDER_CONFIRMATION,
    "preparing": MessageType.ORDER_PREPARING,
    "out_for_delivery": MessageType.ORDER_OUT_FOR_DELIVERY,
}
_PROGRESS: Final = {"pending": 0, "confirmed": 1, "preparing": 2, "ready": 3, "out_for_delivery": 4, "delivered": 5}


class NoMessage(msgspec.Struct, frozen=True):
    """Nothing is to be sent; `reason` is for the owner."""

    reason: str


def kind_of(event_type: str, order: OrderPayload) -> MessageType | NoMessage:
    """Tell which notice an order's event is about, whatever its store wants; or why it is about none."""
    if event_type != EventType.ORDER_CREATED and not isinstance(order, OrderStatusPayload):
        return NoMessage("El evento no es un cambio de estado.")
    kind = _BY_EVENT.get(event_type) or _BY_STATUS.get(order.status)
    if kind is None:
        return NoMessage(f"El paso a {order.status} no lleva mensaje en este evento.")
    if isinstance(order, OrderStatusPayload) and _moves_backwards(order):
        return NoMessage("El pedido volvió a un estado anterior; el cliente ya lo sabe.")
    return kind


def why_not(
    kind: MessageType, event_type: str, order: OrderPayload, switches: Switches, *, was_said: bool
) -> NoMessage | None:
    """Tell why a store does not want the notice that `kind_of` found; None when it does.

    A notice that the customer has had of this order (`was_said`) is not given again, unless the order comes back from
    cancelled: then it begins anew.
    """
    if kind is MessageType.ORDER_CONFIRMATION:
        is_new = event_type == EventType.ORDER_CREATED
        if is_new and switches.confirmation_on == "confirmed" and order.status != "confirmed":
            return NoMessage("La tienda avisa cuando confirma el pedido.")
        if not is_new and switches.confirmation_on == "created":
            return NoMessage("La tienda avisa cuando recibe el pedido.")
    if kind not in switches.on:
        return NoMessage(f"La tienda tiene apagado el aviso {kind}.")
    if was_said and not (isinstance(order, OrderStatusPayload) and order.previous_status == "cancelled"):
        return NoMessage(f"El cliente ya recibió el aviso {kind} de este pedido.")
    return None


def _moves_backwards(order: OrderStatusPayload) -> bool:
    if order.status not in _PROGRESS or order.previous_status not in _PROGRESS:
        return False
    return _PROGRESS[order.status] <= _PROGRESS[order.previous_status]

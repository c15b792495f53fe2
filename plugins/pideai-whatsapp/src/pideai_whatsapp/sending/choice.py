"""Which message an event calls for, if any: the whole rule, without a database or a clock.

Moving to ready, delivered or cancelled makes two events, ``order.status_changed`` and one of its own. Each notice is
bound to exactly one of them, so that none goes out twice. A change that moves an order backwards (a driver's pick-up
sets a ready order to preparing again) is no news for the customer.
"""

from typing import Final

import msgspec

from pideai_host.api import EventType, OrderPayload, OrderStatusPayload
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.text.templates import MessageType

SUBSCRIBED: Final = (
    EventType.ORDER_CREATED,
    EventType.ORDER_STATUS_CHANGED,
    EventType.ORDER_READY,
    EventType.ORDER_COMPLETED,
    EventType.ORDER_CANCELLED,
)

_BY_EVENT: Final[dict[str, MessageType]] = {
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


def choose(event_type: str, order: OrderPayload, config: WhatsAppConfig) -> MessageType | NoMessage:
    """Tell which message an order's event calls for in a store so configured, or why none."""
    if event_type == EventType.ORDER_CREATED:
        return _on_creation(order, config)
    if not isinstance(order, OrderStatusPayload):
        return NoMessage("El evento no es un cambio de estado.")
    kind = _BY_EVENT.get(event_type) or _on_status(order, config)
    if kind is None:
        return NoMessage(f"El paso a {order.status} no lleva mensaje en este evento.")
    if _moves_backwards(order):
        return NoMessage("El pedido volvió a un estado anterior; el cliente ya lo sabe.")
    return _if_switched_on(kind, config)


def _on_creation(order: OrderPayload, config: WhatsAppConfig) -> MessageType | NoMessage:
    """Confirm a new order; a store that confirms later still answers at once when an order is born confirmed."""
    if config.confirmation_on == "confirmed" and order.status != "confirmed":
        return NoMessage("La tienda avisa cuando confirma el pedido.")
    return _if_switched_on(MessageType.ORDER_CONFIRMATION, config)


def _on_status(order: OrderPayload, config: WhatsAppConfig) -> MessageType | None:
    kind = _BY_STATUS.get(order.status)
    if kind is MessageType.ORDER_CONFIRMATION and config.confirmation_on == "created":
        return None
    return kind


def _moves_backwards(order: OrderStatusPayload) -> bool:
    if order.status not in _PROGRESS or order.previous_status not in _PROGRESS:
        return False
    return _PROGRESS[order.status] <= _PROGRESS[order.previous_status]


def _if_switched_on(kind: MessageType, config: WhatsAppConfig) -> MessageType | NoMessage:
    switched_on = {
        MessageType.ORDER_CONFIRMATION: config.auto_order_confirmation,
        MessageType.ORDER_PREPARING: config.auto_order_preparing,
        MessageType.ORDER_READY: config.auto_order_ready,
        MessageType.ORDER_OUT_FOR_DELIVERY: config.auto_order_out_for_delivery,
        MessageType.ORDER_DELIVERED: config.auto_order_delivered,
        MessageType.ORDER_CANCELLED: config.auto_order_cancelled,
    }
    return kind if switched_on[kind] else NoMessage(f"La tienda tiene apagado el aviso {kind}.")

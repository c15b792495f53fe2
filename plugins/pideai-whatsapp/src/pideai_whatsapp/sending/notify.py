"""From an event to its outcome: the questions in their order, each answered by the module that knows.

What was sent stays sent, what the store does not want is skipped, what can never go out fails, and only then does
anything wait. A credit is not touched before all of that is clear.
"""

from typing import Final

import msgspec

from pideai_host.api import (
    CartAbandonedPayload,
    EventType,
    OrderPayload,
    Outcome,
    PluginEvent,
    PluginEventResult,
    StoreUnknown,
    failed,
    skipped,
)
from pideai_whatsapp.cutover.gate import answer_of_side, change_of
from pideai_whatsapp.errors import AmountUnusable, PhoneUnusable
from pideai_whatsapp.sending import earlier
from pideai_whatsapp.sending.attempt import Attempt
from pideai_whatsapp.sending.choice import NoMessage, kind_of, why_not
from pideai_whatsapp.sending.draft import draft_notice, draft_reminder, phone_of
from pideai_whatsapp.sending.facts import Draft, Facts
from pideai_whatsapp.sending.queued import CAMPAIGN_MESSAGE, MANUAL_MESSAGE, QueuedMessage, read_queued
from pideai_whatsapp.sending.send import hand_over
from pideai_whatsapp.sending.switches import switches_of
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import ADVERTISING, MessageType

SUBSCRIBED: Final = (
    EventType.ORDER_CREATED,
    EventType.ORDER_STATUS_CHANGED,
    EventType.ORDER_READY,
    EventType.ORDER_COMPLETED,
    EventType.ORDER_CANCELLED,
    EventType.CART_ABANDONED,
    MANUAL_MESSAGE,
    CAMPAIGN_MESSAGE,
)

IS_OFF: Final = "La tienda tiene WhatsApp apagado."
OPTED_OUT: Final = "El cliente pidió no recibir promociones."
CAMPAIGN_CANCELLED: Final = "La campaña fue cancelada."


async def handle(event: PluginEvent, attempt: Attempt) -> PluginEventResult:
    """Send the message that an event calls for, at most once; or say why none is sent."""
    payload = event.payload
    try:
        if event.type in (MANUAL_MESSAGE, CAMPAIGN_MESSAGE):
            return await _send_queued(payload, attempt)
        if isinstance(payload, CartAbandonedPayload):
            return await _remind(payload, attempt)
        if isinstance(payload, OrderPayload):
            return await _tell(event.type, payload, attempt)
    except (StoreUnknown, PhoneUnusable, AmountUnusable) as problem:
        return failed(problem.message)
    return skipped("El evento no es de un pedido ni de un carrito.")


async def _tell(event_type: str, order: OrderPayload, attempt: Attempt) -> PluginEventResult:
    """Give a customer the notice that an order's event calls for."""
    kind = kind_of(event_type, order)
    if isinstance(kind, NoMessage):
        return skipped(kind.reason)
    change = change_of(event_type, order)
    facts = await attempt.records.facts(kind, attempt.message_id, order_id=order.order_id, change=change)
    if (answer := await earlier.answer_of(facts, attempt.message_id, attempt)) is not None:
        return answer
    if (answer := answer_of_side(facts.side)) is not None:
        return answer
    switches = switches_of(attempt.config, facts.panel, is_adopted=facts.is_adopted)
    reason = why_not(kind, event_type, order, switches, was_said=facts.was_said)
    if reason is not None:
        return skipped(reason.reason)
    if (unwanted := _unwanted(facts, kind)) is not None:
        return skipped(unwanted)
    return await hand_over(await draft_notice(kind, order, facts=facts, attempt=attempt), facts, attempt)


async def _remind(cart: CartAbandonedPayload, attempt: Attempt) -> PluginEventResult:
    """Remind a customer of a cart that is still left behind when the reminder's turn comes."""
    kind = MessageType.ABANDONED_CART
    records = attempt.records
    facts = await records.facts(kind, attempt.message_id)
    answer = await earlier.answer_of(facts, attempt.message_id, attempt)
    if answer is None:
        if kind not in switches_of(attempt.config, facts.panel, is_adopted=facts.is_adopted).on:
            return skipped(f"La tienda tiene apagado el aviso {kind}.")
        if (unwanted := _unwanted(facts, kind)) is not None:
            return skipped(unwanted)
        phone = phone_of(cart.customer_phone, facts)
        if (reason := await _why_not_remind(cart, phone, attempt)) is not None:
            return skipped(reason)
        answer = await hand_over(draft_reminder(cart, phone, facts=facts, attempt=attempt), facts, attempt)
    if answer.success or answer.resolved is Outcome.UNKNOWN:  # what may have been read is not sent again either
        await records.mark_reminded(cart.cart_id)
    return answer


async def _why_not_remind(cart: CartAbandonedPayload, phone: Phone, attempt: Attempt) -> str | None:
    state = await attempt.records.cart(cart.cart_id, phone)
    if state is None or not state.is_open:
        return "El carrito ya no está abandonado, o su cliente ya recibió un recordatorio."
    if state.has_ordered:
        return "El cliente hizo un pedido después de dejar el carrito."
    return OPTED_OUT if await attempt.records.is_opted_out(phone) else None


async def _send_queued(payload: object, attempt: Attempt) -> PluginEventResult:
    """Send a message that was written down before; whatever stops it shows in its row."""
    try:
        queued = read_queued(payload)
    except msgspec.ValidationError as problem:
        return failed(f"El mensaje no se puede leer: {problem}")
    facts = await attempt.records.facts(
        queued.kind, queued.message_id, order_id=queued.order_id, campaign_id=queued.campaign_id
    )
    if (answer := await earlier.answer_of(facts, queued.message_id, attempt)) is not None:
        return answer
    if (reason := await _why_not_queued(queued, facts, attempt)) is not None:
        await attempt.records.close(queued.message_id, error=reason)
        return failed(reason) if reason == IS_OFF else skipped(reason)
    return await hand_over(_draft_of(queued), facts, attempt)


async def _why_not_queued(queued: QueuedMessage, facts: Facts, attempt: Attempt) -> str | None:
    if not facts.is_enabled:
        return IS_OFF
    if facts.campaign_status == "cancelled":
        return CAMPAIGN_CANCELLED
    if queued.kind in ADVERTISING and await attempt.records.is_opted_out(queued.phone):
        return OPTED_OUT
    return None


def _draft_of(queued: QueuedMessage) -> Draft:
    return Draft(
        id=queued.message_id,
        kind=queued.kind,
        phone=queued.phone,
        customer_name=queued.customer_name,
        text=queued.text,
        values=queued.variables,
        image_url=queued.image_url,
        order_id=queued.order_id,
        campaign_id=queued.campaign_id,
    )


def _unwanted(facts: Facts, kind: MessageType) -> str | None:
    if not facts.is_enabled:
        return IS_OFF
    return None if facts.is_wanted else f"La tienda tiene apagada la plantilla {kind}."

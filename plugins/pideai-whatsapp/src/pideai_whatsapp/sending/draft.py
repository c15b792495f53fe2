"""From an order or a cart and its store's facts to a draft: phone, items, text. Nothing here spends or sends."""

from pideai_host.api import CartAbandonedPayload, OrderCreatedPayload, OrderItem, OrderPayload
from pideai_whatsapp.sending.attempt import Attempt
from pideai_whatsapp.sending.facts import Draft, Facts
from pideai_whatsapp.text.cart import compose_reminder
from pideai_whatsapp.text.generator import OrderMessage, write_order
from pideai_whatsapp.text.message import Composed, compose
from pideai_whatsapp.text.phones import Phone, region_of, to_e164
from pideai_whatsapp.text.templates import DEFAULT_TEXTS, MessageType


def phone_of(raw: str | None, facts: Facts) -> Phone:
    """Find the phone that a customer of this store meant.

    Raises:
        PhoneUnusable: none that could be called one.
    """
    return to_e164(raw, region=region_of(facts.store.country))


async def draft_notice(kind: MessageType, order: OrderPayload, *, facts: Facts, attempt: Attempt) -> Draft:
    """Write the notice of an order, in the store's own words if it has any.

    Raises:
        PhoneUnusable: the customer has no phone that could be called one.
        AmountUnusable: an amount of the order cannot be written.
    """
    phone = phone_of(order.customer_phone, facts)
    if kind is MessageType.ORDER_CONFIRMATION and attempt.config.confirmation_style == "full":
        composed = await _whole_order(order, facts=facts, attempt=attempt)
    else:
        composed = await _notice(kind, order, facts=facts, attempt=attempt)
    _log_unknown(composed, kind, attempt)
    return Draft(
        id=attempt.message_id,
        order_id=order.order_id,
        kind=kind,
        phone=phone,
        customer_name=order.customer_name,
        text=composed.text,
        values=composed.values,
    )


async def _notice(kind: MessageType, order: OrderPayload, *, facts: Facts, attempt: Attempt) -> Composed:
    template = facts.template if facts.template is not None else DEFAULT_TEXTS[kind]
    return compose(
        kind,
        template,
        order=order,
        items=await _items_of(order, kind=kind, template=template, attempt=attempt),
        store=facts.store,
        base_domain=attempt.base_domain,
    )


async def _whole_order(order: OrderPayload, *, facts: Facts, attempt: Attempt) -> Composed:
    style, proof_url = await attempt.records.order_style(order.order_id)
    items = await _items_of(order, kind=MessageType.ORDER_CONFIRMATION, template="", attempt=attempt)
    return write_order(
        OrderMessage(
            order=order,
            items=items,
            store=facts.store,
            style=style,
            base_domain=attempt.base_domain,
            at=attempt.now,
            proof_url=proof_url,
        )
    )


def draft_reminder(cart: CartAbandonedPayload, phone: Phone, *, facts: Facts, attempt: Attempt) -> Draft:
    """Write the reminder of a cart, in the store's own words if it has any.

    Raises:
        AmountUnusable: the cart's total cannot be written.
    """
    kind = MessageType.ABANDONED_CART
    template = facts.template if facts.template is not None else DEFAULT_TEXTS[kind]
    composed = compose_reminder(template, cart=cart, store=facts.store, base_domain=attempt.base_domain)
    _log_unknown(composed, kind, attempt)
    return Draft(
        id=attempt.message_id,
        kind=kind,
        phone=phone,
        customer_name=cart.customer_name,
        text=composed.text,
        values=composed.values,
    )


def _log_unknown(composed: Composed, kind: MessageType, attempt: Attempt) -> None:
    if composed.unknown:
        attempt.context.log.warning(
            "template holds unknown tokens", message_type=kind.value, tokens=list(composed.unknown)
        )


async def _items_of(
    order: OrderPayload, *, kind: MessageType, template: str, attempt: Attempt
) -> tuple[OrderItem, ...]:
    """Take the items that the event brings; read them only where the text will show them."""
    if isinstance(order, OrderCreatedPayload) and order.items:
        return order.items
    if kind is MessageType.ORDER_CONFIRMATION or "{order_items}" in template:
        return await attempt.records.items(order.order_id)
    return ()

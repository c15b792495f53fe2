"""From an order and its store's facts to a draft: phone, items, text. Nothing here spends, sends or writes."""

from typing import Final
from uuid import UUID

from pideai_host.api import OrderCreatedPayload, OrderItem, OrderPayload, PluginContext
from pideai_whatsapp.sending.records import Draft, Facts, Records
from pideai_whatsapp.text.message import compose
from pideai_whatsapp.text.phones import region_of, to_e164
from pideai_whatsapp.text.templates import DEFAULT_TEXTS, MessageType

BASE_DOMAIN: Final = "base_domain"
DEFAULT_BASE_DOMAIN: Final = "pideai.com"


async def write_draft(
    kind: MessageType, order: OrderPayload, *, facts: Facts, message_id: UUID, context: PluginContext, records: Records
) -> Draft:
    """Write the message of an order, in the store's own words if it has any.

    Raises:
        PhoneUnusable: the customer has no phone that could be called one.
        AmountUnusable: an amount of the order cannot be written.
    """
    phone = to_e164(order.customer_phone, region=region_of(facts.store.country))
    template = facts.template if facts.template is not None else DEFAULT_TEXTS[kind]
    rendered = compose(
        kind,
        template,
        order=order,
        items=await _items_of(order, kind=kind, template=template, records=records),
        store=facts.store,
        base_domain=context.secrets.operator(BASE_DOMAIN) or DEFAULT_BASE_DOMAIN,
    )
    if rendered.unknown:
        context.log.warning("template holds unknown tokens", message_type=kind.value, tokens=list(rendered.unknown))
    return Draft(
        id=message_id,
        order_id=order.order_id,
        kind=kind,
        phone=phone,
        customer_name=order.customer_name,
        text=rendered.text,
    )


async def _items_of(
    order: OrderPayload, *, kind: MessageType, template: str, records: Records
) -> tuple[OrderItem, ...]:
    """Take the items that the event brings; read them only where the text will show them."""
    if isinstance(order, OrderCreatedPayload) and order.items:
        return order.items
    if kind is MessageType.ORDER_CONFIRMATION or "{order_items}" in template:
        return await records.items(order.order_id)
    return ()

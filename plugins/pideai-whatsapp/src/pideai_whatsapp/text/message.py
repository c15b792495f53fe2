"""From an order to the text that its customer reads: the value of every token, the items, the final text.

What a customer typed (name, address, item names through the store's menu) is put on one line and cut, so that nobody
can make a store's number say paragraphs of their own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from pideai_host.api import OrderItem, OrderPayload
from pideai_whatsapp.text.money import PriceFormat, format_price
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType
from pideai_whatsapp.text.tokens import render


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is ready to go.

    Attributes:
        unknown: Names in the template that are no tokens of its kind, sorted; they stay in the text.
        values: What its tokens stood for.
    """

    text: str
    unknown: tuple[str, ...] = ()
    values: Mapping[str, str] = {}


MAX_CHARS: Final = 4_096
"""The longest text that is sent: what the strictest of today's WhatsApp interfaces takes."""
MAX_ITEM_LINES: Final = 40
NAME_MAX_CHARS: Final = 80
_ADDRESS_MAX_CHARS: Final = 200
_GAP: Final = re.compile(r"\n{3,}")
_ITEMS_HEADING: Final = "*Tu pedido:*"
_MINUTES_BY_ORDER_TYPE: Final = {"delivery": "45-60 minutos", "pickup": "20-30 minutos"}
_MINUTES_OTHERWISE: Final = "30-45 minutos"


def compose(
    kind: MessageType,
    template: str,
    *,
    order: OrderPayload,
    items: Sequence[OrderItem],
    store: Store,
    base_domain: str,
) -> Composed:
    """Write the message of an order from a template, at most `MAX_CHARS` long.

    A confirmation always shows what was ordered: when its template has no ``{order_items}``, the items follow the
    text. A token without a value leaves no more than one empty line. Unknown tokens stay, and are named in the result.

    Raises:
        AmountUnusable: an amount of the order cannot be written.
    """
    values = token_values(order, items=items, store=store, base_domain=base_domain)
    rendered = render(template[:MAX_CHARS], values)
    text = tidy(rendered.text)
    if kind is MessageType.ORDER_CONFIRMATION and "order_items" not in rendered.used and values["order_items"]:
        text = f"{text}\n\n{_ITEMS_HEADING}\n{values['order_items']}"
    return Composed(text=cut(text, MAX_CHARS), unknown=rendered.unknown, values=values)


def token_values(order: OrderPayload, *, items: Sequence[OrderItem], store: Store, base_domain: str) -> dict[str, str]:
    """Return the value of every token that an order's message may hold, by name.

    Raises:
        AmountUnusable: an amount of the order cannot be written.
    """
    address = one_line(order.delivery_address.text if order.delivery_address else "", _ADDRESS_MAX_CHARS)
    return {
        "customer_name": one_line(order.customer_name, NAME_MAX_CHARS) or "Cliente",
        "order_number": order.order_number.upper(),
        "order_total": format_price(order.total, store.price_format),
        "estimated_time": _estimated_time(order),
        "store_name": one_line(store.name, NAME_MAX_CHARS),
        "delivery_message": _delivery_message(order.order_type, address=address, store=store),
        "delivery_address": address,
        "order_type": store.label_of(order.order_type),
        "store_link": store.link(base_domain),
        "order_items": items_text(items, store.price_format),
    }


def items_text(items: Sequence[OrderItem], style: PriceFormat) -> str:
    """Write items as the customer knows them: quantity, name, unit price with its extras; a line for each extra.

    ``2 x Arepa (USD 5,00)`` and below it ``  + Queso (USD 1,00)``; what goes beyond `MAX_ITEM_LINES` is counted.

    Raises:
        AmountUnusable: a price cannot be written.
    """
    blocks: list[str] = []
    lines = 0
    for position, item in enumerate(items):
        block = _item_lines(item, style)
        if lines + len(block) > MAX_ITEM_LINES and blocks:
            blocks.append(f"… y {len(items) - position} más")
            break
        blocks += block[:MAX_ITEM_LINES]
        lines += len(block)
    return "\n".join(blocks)


def _item_lines(item: OrderItem, style: PriceFormat) -> list[str]:
    unit = sum((extra.price for extra in item.extras), item.unit_price)
    head = f"{item.quantity} x {one_line(item.name, NAME_MAX_CHARS)} ({format_price(unit, style)})"
    return [
        head,
        *(f"  + {one_line(extra.name, NAME_MAX_CHARS)} ({format_price(extra.price, style)})" for extra in item.extras),
    ]


def _estimated_time(order: OrderPayload) -> str:
    if order.estimated_delivery_minutes is not None and order.estimated_delivery_minutes > 0:
        return f"{order.estimated_delivery_minutes} minutos"
    return _MINUTES_BY_ORDER_TYPE.get(order.order_type, _MINUTES_OTHERWISE)


def _delivery_message(order_type: str, *, address: str, store: Store) -> str:
    """Say what a ready order does next; that it is ready is the template's to say, that it left the next notice's."""
    if order_type == "delivery":
        return f"Saldrá pronto hacia: {address}" if address else "Saldrá pronto."
    if order_type == "pickup":
        where = one_line(store.address, _ADDRESS_MAX_CHARS)
        return f"Puedes recogerlo en: {where}" if where else "Ya puedes recogerlo."
    return "Ya puedes disfrutarlo."


def tidy(text: str) -> str:
    """Trim a text, and leave no more than one empty line where a token had no value."""
    return _GAP.sub("\n\n", text.strip())


def one_line(text: str, max_chars: int) -> str:
    """Put what a customer typed on one line, at most so long."""
    return cut(" ".join(text[: 2 * max_chars].split()), max_chars)


def cut(text: str, max_chars: int) -> str:
    """Shorten a text that is too long, and show that it was."""
    return text if len(text) <= max_chars else f"{text[: max_chars - 1].rstrip()}…"

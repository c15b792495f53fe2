"""The message generator: an order as a whole, in the store's own templates, as the storefront has always written it.

Its tokens have hyphens, some a second name with underscores. Each template is read in one pass, so that a name which
holds a token or a ``$`` is printed as it is; a token that is not known stays. Two things differ from the storefront's:
what a customer typed has its line breaks taken out and is cut, and money is exact.

``docs/message-generator.md`` shows each token at work; a test runs its rows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from pideai_host.api import OrderItem, OrderPayload
from pideai_whatsapp.text.clock import short_time
from pideai_whatsapp.text.message import MAX_CHARS, Composed, cut
from pideai_whatsapp.text.money import PriceFormat, format_bolivares, format_price
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.phones import region_of
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.tokens import render

MAX_ITEMS: Final = 60
_NAME_MAX_CHARS: Final = 120
_ADDRESS_MAX_CHARS: Final = 300
_NOTES_MAX_CHARS: Final = 500

NOTHING: Final = "$0.00"
"""What the storefront has always written for no shipping and no discount, whatever the currency."""

ALIASES: Final = {
    "order-total-bolivares": "total_order_bsf",
    "order-subtotal-bolivares": "total_products_bsf",
    "shipping-price-bolivares": "total_delivery_bsf",
    "order-track-page": "tracking_link",
    "payment-receipt-link": "payment_proof_link",
}
ALWAYS_EMPTY: Final = (
    "payment-type",
    "payment-change",
    "customer-address-number",
    "customer-address-complement",
    "customer-address-neighborhood",
    "customer-address-zipcode",
)


class OrderMessage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the message of one order is made of.

    Attributes:
        at: When the message is written, aware.
        proof_url: The short address of the payment's receipt, which comes before the order's own.
    """

    order: OrderPayload
    items: Sequence[OrderItem]
    store: Store
    style: OrderStyle
    base_domain: str
    at: datetime
    proof_url: str | None = None


def write_order(message: OrderMessage, *, template: str | None = None) -> Composed:
    """Write an order as a whole: the store's template of its type, then its notes; at most `MAX_CHARS` long.

    Raises:
        AmountUnusable: an amount of the order cannot be written.
    """
    values = order_values(message)
    chosen = template if template is not None else message.style.template_of(message.order.order_type)
    rendered = render(chosen, values)
    notes = _given(message.order.notes, _NOTES_MAX_CHARS, keeps_lines=True)
    text = f"{rendered.text}\n\nNotas: {notes}" if notes else rendered.text
    return Composed(text=cut(text.strip(), MAX_CHARS), unknown=rendered.unknown, values=values)


def order_values(message: OrderMessage) -> dict[str, str]:
    """Return the value of every token, under both its names where it has two.

    Raises:
        AmountUnusable: an amount of the order cannot be written.
    """
    order, store = message.order, message.store
    style = store.price_format
    values = {
        "order-number": order.order_number,
        "order-date-time": short_time(message.at, region_of(store.country)),
        "order-type": store.label_of(order.order_type),
        "order-products": _products(message),
        "order-total": format_price(order.total, style),
        "shipping-price": format_price(order.delivery_price, style) if order.delivery_price else NOTHING,
        "order-coupon-code": _given(order.coupon_code, _NAME_MAX_CHARS) or "Sin cupón",
        "order-coupon-discount": f"-{format_price(order.coupon_discount, style)}" if order.coupon_discount else NOTHING,
        "order-table": _given(order.table_number, _NAME_MAX_CHARS) or "N/A",
        "customer-name": _given(order.customer_name, _NAME_MAX_CHARS),
        "customer-phone": _given(order.customer_phone, _NAME_MAX_CHARS),
        "customer-address": _given(order.delivery_address.text if order.delivery_address else None, _ADDRESS_MAX_CHARS),
        "payment-method": _given(order.payment_method, _NAME_MAX_CHARS) or "N/A",
        "payment-status": "Pendiente",
        "order-track-page": _tracking(message),
        "payment-receipt-link": _receipt(message),
        **_bolivares(message),
        **dict.fromkeys(ALWAYS_EMPTY, ""),
    }
    return values | {alias: values[name] for name, alias in ALIASES.items()}


def _products(message: OrderMessage) -> str:
    style = message.store.price_format
    shown = message.items[:MAX_ITEMS]
    blocks = [render(message.style.product, _product_values(item, style)).text for item in shown]
    if len(shown) < len(message.items):
        blocks.append(f"… y {len(message.items) - len(shown)} más")
    return "\n".join(blocks)


def _product_values(item: OrderItem, style: PriceFormat) -> Mapping[str, str]:
    unit = sum((extra.price for extra in item.extras), item.unit_price)
    return {
        "product-qty": str(item.quantity),
        "product-name": _given(item.name, _NAME_MAX_CHARS),
        "product-price": format_price(unit, style),
        "product-extras": "\n".join(
            f"  + {_given(extra.name, _NAME_MAX_CHARS)} ({format_price(extra.price, style)})" for extra in item.extras
        ),
        "product-note": "",
    }


def _bolivares(message: OrderMessage) -> dict[str, str]:
    """Write the amounts in bolívares, empty where the store has no rate; a free delivery is one all the same."""
    order, rate = message.order, message.style.rate
    subtotal = order.total - order.delivery_price - order.coupon_discount
    return {
        "order-total-bolivares": _converted(order.total, rate),
        "order-subtotal-bolivares": _converted(subtotal, rate),
        "shipping-price-bolivares": (
            _converted(order.delivery_price, rate) if order.delivery_price else format_bolivares(Decimal(0))
        ),
    }


def _converted(amount: Decimal, rate: Decimal) -> str:
    return format_bolivares(amount * rate) if rate > 0 else ""


def _tracking(message: OrderMessage) -> str:
    code = message.order.tracking_code
    return f"Ver seguimiento del pedido: {message.store.link(message.base_domain)}/track/{code}" if code else ""


def _receipt(message: OrderMessage) -> str:
    url = message.proof_url or message.order.payment_proof_url
    return f"Comprobante de pago:\n{url}" if url else ""


def _given(text: str | None, max_chars: int, *, keeps_lines: bool = False) -> str:
    """Take what somebody typed: without line breaks, but in notes, and cut."""
    shown = (text or "")[: 2 * max_chars]
    return cut(shown.strip() if keeps_lines else " ".join(shown.splitlines()), max_chars)

"""Which tokens each kind of template may hold, and what a template looks like with a sample order."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from pideai_host.api import Address, CartAbandonedPayload, OrderItem, OrderItemExtra, OrderPayload
from pideai_whatsapp.text.cart import cart_values, compose_reminder
from pideai_whatsapp.text.message import Composed, compose, token_values
from pideai_whatsapp.text.promotion import compose_promotion, promotion_values
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType
from pideai_whatsapp.text.tokens import names_in

MEANINGS: Final[dict[str, str]] = {
    "customer_name": "Nombre del cliente, o Cliente",
    "order_number": "Número del pedido",
    "order_total": "Total del pedido, con la moneda de la tienda",
    "estimated_time": "Tiempo estimado",
    "store_name": "Nombre de la tienda",
    "delivery_message": "Qué sigue: sale pronto hacia la dirección, o dónde recogerlo",
    "delivery_address": "Dirección de entrega",
    "order_type": "Tipo de pedido, en palabras de la tienda",
    "store_link": "Página de la tienda",
    "order_items": "Los productos, uno por línea, con sus extras",
    "cart_total": "Total del carrito",
    "recovery_link": "Enlace para retomar el carrito",
    "promotion_message": "El mensaje de la promoción",
}

SAMPLE_ITEMS: Final = (
    OrderItem(
        name="Arepa reina pepiada",
        quantity=2,
        unit_price=Decimal("4.00"),
        extras=(OrderItemExtra(name="Queso", price=Decimal("1.00")),),
    ),
    OrderItem(name="Papelón con limón", quantity=1, unit_price=Decimal("2.50")),
)
SAMPLE_ORDER: Final = OrderPayload(
    order_id=UUID("a1b2c3d4-0000-4000-8000-000000000000"),
    order_number="A1B2C3D4",
    status="confirmed",
    customer_name="Ana Pérez",
    customer_phone="0414-1234567",
    order_type="delivery",
    total=Decimal("15.00"),
    currency="USD",
    delivery_address=Address(text="Calle 5, casa 3"),
    delivery_price=Decimal("2.50"),
    payment_method="Pago Móvil",
    tracking_code="ABCD1234",
    notes="Sin cebolla",
)
SAMPLE_CART: Final = CartAbandonedPayload(
    cart_id=UUID("c1b2c3d4-0000-4000-8000-000000000000"),
    total=Decimal("12.50"),
    currency="USD",
    customer_name="Ana Pérez",
    customer_phone="0414-1234567",
    recovery_token="0123abcd",  # noqa: S106 - opens nothing
)
SAMPLE_PROMOTION: Final = "hoy las arepas van al 2x1."


def tokens_of(kind: MessageType, store: Store, *, base_domain: str) -> dict[str, str]:
    """Return the tokens that a template of this kind may hold, each with an example, in the order of `MEANINGS`.

    Raises:
        KeyError: a kind that has no template.
    """
    if kind is MessageType.ABANDONED_CART:
        values = cart_values(SAMPLE_CART, store=store, base_domain=base_domain)
    elif kind is MessageType.PROMOTION:
        values = promotion_values(
            customer_name=SAMPLE_ORDER.customer_name, message=SAMPLE_PROMOTION, store=store, base_domain=base_domain
        )
    else:
        values = token_values(SAMPLE_ORDER, items=SAMPLE_ITEMS, store=store, base_domain=base_domain)
    return {name: values[name] for name in MEANINGS if name in values}


def unknown_in(kind: MessageType, body: str, store: Store) -> tuple[str, ...]:
    """Return the names in a template that are no tokens of its kind, sorted."""
    return tuple(sorted(names_in(body) - tokens_of(kind, store, base_domain="").keys()))


def preview(kind: MessageType, body: str, store: Store, *, base_domain: str) -> Composed:
    """Write a template's message for the sample order, cart or promotion, in the store's own money and words."""
    if kind is MessageType.ABANDONED_CART:
        return compose_reminder(body, cart=SAMPLE_CART, store=store, base_domain=base_domain)
    if kind is MessageType.PROMOTION:
        return compose_promotion(
            body,
            customer_name=SAMPLE_ORDER.customer_name,
            message=SAMPLE_PROMOTION,
            store=store,
            base_domain=base_domain,
        )
    return compose(kind, body, order=SAMPLE_ORDER, items=SAMPLE_ITEMS, store=store, base_domain=base_domain)

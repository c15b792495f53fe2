"""How a store writes its whole orders: its four templates, or the ones that a new store is given."""

from decimal import Decimal
from typing import Final

import msgspec

PRODUCT: Final = "• *{product-qty}x {product-name}* Precio: {product-price}\n{product-extras}"
DELIVERY: Final = (
    "🛵 *Nuevo pedido #{order-number}*\n{order-date-time}\n{order-type}\n\n*Productos:*\n{order-products}\n\n"
    "Envío: {shipping-price}\n*Total: {order-total}*\nBs.: {order-total-bolivares}\n\n"
    "👤 *Cliente:* {customer-name}\n📞 {customer-phone}\n"
    "📍 {customer-address} {customer-address-number} {customer-address-neighborhood}\n\n"
    "💳 Método: {payment-method}\n{payment-status}\n{payment-receipt-link}\n\n{order-track-page}\n\n"
    "¡Gracias por tu compra!"
)
PICKUP: Final = (
    "🛍️ *Pedido a retirar #{order-number}*\n{order-date-time}\n\n{order-products}\n\n*Total: {order-total}*\n\n"
    "👤 {customer-name}\n📞 {customer-phone}\n💳 {payment-method}\n{order-track-page}"
)
DIGITAL_MENU: Final = (
    "🍽️ *Pedido #{order-number}*\nMesa: {order-table}\n\n{order-products}\n\n*Total: {order-total}*\n{customer-name}"
)


class OrderStyle(msgspec.Struct, frozen=True, kw_only=True):
    """What the message generator needs of a store beside its words and prices.

    Attributes:
        rate: Bolívares for a unit of the store's currency; 0 where the store converts nothing.
    """

    product: str = PRODUCT
    delivery: str = DELIVERY
    pickup: str = PICKUP
    digital_menu: str = DIGITAL_MENU
    rate: Decimal = Decimal(0)

    def template_of(self, order_type: str) -> str:
        """Choose the template of an order type: eating there goes by the digital menu's, all else is a delivery."""
        if order_type == "pickup":
            return self.pickup
        return self.digital_menu if order_type in ("digital_menu", "dine_in") else self.delivery

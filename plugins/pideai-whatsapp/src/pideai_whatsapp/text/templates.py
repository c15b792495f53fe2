"""The kinds of message, and our own Spanish texts for a store that has no template of a kind.

A store's own text lives in ``whatsapp_message_templates``, one row a kind; its row always wins, and a row that is not
active means that the store does not want the message.
"""

from enum import StrEnum
from typing import Final


class MessageType(StrEnum):
    """What a message is about; the values are those of ``whatsapp_messages.message_type``."""

    ORDER_CONFIRMATION = "order_confirmation"
    ORDER_PREPARING = "order_preparing"
    ORDER_READY = "order_ready"
    ORDER_OUT_FOR_DELIVERY = "order_out_for_delivery"
    ORDER_DELIVERED = "order_delivered"
    ORDER_CANCELLED = "order_cancelled"
    ABANDONED_CART = "abandoned_cart"
    PROMOTION = "promotion"
    CAMPAIGN = "campaign"
    MANUAL = "manual"


ADVERTISING: Final = frozenset({MessageType.ABANDONED_CART, MessageType.PROMOTION, MessageType.CAMPAIGN})
"""What a customer who opted out gets no more; notices of orders, and what the store writes by hand, still come."""

TEMPLATE_NAMES: Final[dict[MessageType, str]] = {
    MessageType.ORDER_CONFIRMATION: "Confirmación de pedido",
    MessageType.ORDER_PREPARING: "Pedido en preparación",
    MessageType.ORDER_READY: "Pedido listo",
    MessageType.ORDER_OUT_FOR_DELIVERY: "Pedido en camino",
    MessageType.ORDER_DELIVERED: "Pedido entregado",
    MessageType.ORDER_CANCELLED: "Pedido cancelado",
    MessageType.ABANDONED_CART: "Carrito abandonado",
    MessageType.PROMOTION: "Promoción",
}
"""The eight kinds that have a template, in the order in which they are shown, by the names of today's panel."""

DEFAULT_TEXTS: Final[dict[MessageType, str]] = {
    MessageType.ORDER_CONFIRMATION: (
        "¡Hola {customer_name}! 👋\n\n"
        "*{store_name}* recibió tu pedido #{order_number}.\n\n"
        "{order_items}\n\n"
        "*Total: {order_total}*\n"
        "Tipo de pedido: {order_type}\n"
        "Tiempo estimado: {estimated_time}\n\n"
        "¡Gracias por tu compra!"
    ),
    MessageType.ORDER_PREPARING: (
        "👨‍🍳 {customer_name}, ya estamos preparando tu pedido #{order_number}.\n\n"
        "Te avisaremos cuando esté listo.\n*{store_name}*"
    ),
    MessageType.ORDER_READY: (
        "✅ {customer_name}, tu pedido #{order_number} está listo.\n\n{delivery_message}\n\n*{store_name}*"
    ),
    MessageType.ORDER_OUT_FOR_DELIVERY: (
        "🛵 {customer_name}, tu pedido #{order_number} va en camino a: {delivery_address}\n\n*{store_name}*"
    ),
    MessageType.ORDER_DELIVERED: (
        "🎉 {customer_name}, tu pedido #{order_number} fue entregado.\n\n"
        "¡Gracias por comprar en *{store_name}*! Te esperamos de nuevo: {store_link}"
    ),
    MessageType.ORDER_CANCELLED: (
        "❌ {customer_name}, tu pedido #{order_number} de {order_total} fue cancelado.\n\n"
        "Si tienes preguntas, escríbenos.\n*{store_name}*"
    ),
    MessageType.ABANDONED_CART: (
        "🛒 {customer_name}, dejaste productos en tu carrito de *{store_name}* por {cart_total}.\n\n"
        "Termina tu pedido aquí: {recovery_link}\n\nSi no quieres más recordatorios, responde BAJA."
    ),
    MessageType.PROMOTION: (
        "🔥 {customer_name}, {promotion_message}\n\nHaz tu pedido: {store_link}\n*{store_name}*\n\n"
        "Si no quieres más promociones, responde BAJA."
    ),
}

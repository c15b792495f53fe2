"""A store's configuration: the JSON Schema that the host checks, and the typed view that the code reads.

Names on the wire are the founding document's, in camelCase. The schema's titles are Spanish, since the panel shows
them to the owner; its defaults are those of `WhatsAppConfig`, and the host fills them in.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec

from pideai_whatsapp.providers.sections import META_SCHEMA, REQUIREMENTS, TWILIO_SCHEMA, MetaSection, TwilioSection
from pideai_whatsapp.providers.templates import TemplateRule
from pideai_whatsapp.text.templates import MessageType

CAMPAIGNS_PER_MINUTE: Final = 6
CAMPAIGNS_PER_MINUTE_MAX: Final = 30
"""WhatsApp bans numbers that write to many strangers fast; nobody knows the limit, so the default is far below."""


class ProviderName(StrEnum):
    """Who carries the messages of a store."""

    EVOLUTION = "evolution"
    TWILIO = "twilio"
    META = "meta"
    CONSOLE = "console"


class WhatsAppConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one store has set.

    A switch that is None was left to the panel's own (``whatsapp_settings``), or to what holds without one: see
    `sending.switches`.

    Attributes:
        instance_name: Name of the Evolution instance; None for the store's subdomain, as it is today.
        confirmation_on: When the customer is told that the order was taken: when it is created, or when the store
            confirms it. Never both.
        confirmation_style: The store's short template, or its whole order message (`text.generator`).
        abandoned_cart_delay_minutes: How long a cart must lie before its customer is reminded.
        campaigns_per_minute: Messages of campaigns in a minute, at most.
    """

    provider: ProviderName = ProviderName.EVOLUTION
    instance_name: str | None = None
    twilio: TwilioSection | None = None
    meta: MetaSection | None = None
    confirmation_on: Literal["created", "confirmed"] | None = None
    confirmation_style: Literal["template", "full"] = "template"
    auto_order_confirmation: bool | None = None
    auto_order_preparing: bool | None = None
    auto_order_ready: bool | None = None
    auto_order_out_for_delivery: bool | None = None
    auto_order_delivered: bool | None = None
    auto_order_cancelled: bool | None = None
    auto_abandoned_cart: bool | None = None
    abandoned_cart_delay_minutes: int | None = None
    campaigns_per_minute: int = CAMPAIGNS_PER_MINUTE

    def template_rule(self, kind: MessageType) -> TemplateRule | None:
        """Return the provider's own template that stands for a kind; None where the text itself is sent."""
        section = {ProviderName.TWILIO: self.twilio, ProviderName.META: self.meta}.get(self.provider)
        return None if section is None else section.templates.get(kind)


CART_DELAY_MAX_MINUTES: Final = 10_080


def _switch(title: str) -> dict[str, Any]:
    """Describe a switch, without a default: what the owner does not say must stay unsaid."""
    return {"type": "boolean", "title": title, "description": "Si falta, lo que diga el panel de la tienda."}


CONFIG_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Mensajes de WhatsApp",
    "type": "object",
    "additionalProperties": False,
    "required": ["provider"],
    "allOf": REQUIREMENTS,
    "properties": {
        "provider": {
            "type": "string",
            "title": "Proveedor",
            "description": (
                "evolution envía por un teléfono enlazado; twilio y meta, por una cuenta de empresa; "
                "console solo lo escribe en el registro, para pruebas."
            ),
            "enum": [name.value for name in ProviderName],
            "default": "evolution",
        },
        "instanceName": {
            "type": "string",
            "title": "Nombre de la instancia",
            "description": "De Evolution; si falta, el subdominio de la tienda.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        },
        "twilio": TWILIO_SCHEMA,
        "meta": META_SCHEMA,
        "confirmationOn": {
            "type": "string",
            "title": "Cuándo confirmar el pedido",
            "description": (
                "created: al recibir el pedido; confirmed: cuando la tienda lo confirma. "
                "Si falta: confirmed en una tienda que ya usaba WhatsApp, created en una nueva."
            ),
            "enum": ["created", "confirmed"],
        },
        "confirmationStyle": {
            "type": "string",
            "title": "Cómo confirmar el pedido",
            "description": "template: la plantilla corta; full: el mensaje completo del pedido.",
            "enum": ["template", "full"],
            "default": "template",
        },
        "autoOrderConfirmation": _switch("Avisar: pedido recibido"),
        "autoOrderPreparing": _switch("Avisar: pedido en preparación"),
        "autoOrderReady": _switch("Avisar: pedido listo"),
        "autoOrderOutForDelivery": _switch("Avisar: pedido en camino"),
        "autoOrderDelivered": _switch("Avisar: pedido entregado"),
        "autoOrderCancelled": _switch("Avisar: pedido cancelado"),
        "autoAbandonedCart": _switch("Recordar: carrito abandonado"),
        "abandonedCartDelayMinutes": {
            "type": "integer",
            "title": "Minutos hasta recordar un carrito",
            "minimum": 1,
            "maximum": CART_DELAY_MAX_MINUTES,
        },
        "campaignsPerMinute": {
            "type": "integer",
            "title": "Mensajes de campañas por minuto",
            "description": "Como máximo. Más rápido, WhatsApp puede bloquear el número de la tienda.",
            "minimum": 1,
            "maximum": CAMPAIGNS_PER_MINUTE_MAX,
            "default": CAMPAIGNS_PER_MINUTE,
        },
    },
}
"""JSON Schema 2020-12; a key that is not listed is refused, so that a typing error shows at once."""


def read_config(config: Mapping[str, Any]) -> WhatsAppConfig:
    """Read a configuration that is valid by `CONFIG_SCHEMA`.

    Raises:
        msgspec.ValidationError: it is not valid, which the host should have refused.
    """
    return msgspec.convert(dict(config), WhatsAppConfig)

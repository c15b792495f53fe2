"""A store's configuration: the JSON Schema that the host checks, and the typed view that the code reads.

Names on the wire are the founding document's, in camelCase. The schema's titles are Spanish, since the panel shows
them to the owner; its defaults are those of `WhatsAppConfig`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal

import msgspec


class ProviderName(StrEnum):
    """Who carries the messages of a store."""

    EVOLUTION = "evolution"
    CONSOLE = "console"


class WhatsAppConfig(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one store has set.

    Attributes:
        instance_name: Name of the Evolution instance; None for the store's subdomain, as it is today.
        confirmation_on: When the customer is told that the order was taken: when it is created, or when the store
            confirms it. Never both.
    """

    provider: ProviderName = ProviderName.EVOLUTION
    instance_name: str | None = None
    confirmation_on: Literal["created", "confirmed"] = "created"
    auto_order_confirmation: bool = True
    auto_order_preparing: bool = True
    auto_order_ready: bool = True
    auto_order_out_for_delivery: bool = True
    auto_order_delivered: bool = True
    auto_order_cancelled: bool = False


def _switch(title: str, *, default: bool) -> dict[str, Any]:
    return {"type": "boolean", "title": title, "default": default}


CONFIG_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Mensajes de WhatsApp",
    "type": "object",
    "additionalProperties": False,
    "required": ["provider"],
    "properties": {
        "provider": {
            "type": "string",
            "title": "Proveedor",
            "description": "evolution envía por WhatsApp; console solo lo escribe en el registro, para pruebas.",
            "enum": [name.value for name in ProviderName],
            "default": "evolution",
        },
        "instanceName": {
            "type": "string",
            "title": "Nombre de la instancia",
            "description": "Si falta, el subdominio de la tienda.",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$",
        },
        "confirmationOn": {
            "type": "string",
            "title": "Cuándo confirmar el pedido",
            "description": "created: al recibir el pedido; confirmed: cuando la tienda lo confirma.",
            "enum": ["created", "confirmed"],
            "default": "created",
        },
        "autoOrderConfirmation": _switch("Avisar: pedido recibido", default=True),
        "autoOrderPreparing": _switch("Avisar: pedido en preparación", default=True),
        "autoOrderReady": _switch("Avisar: pedido listo", default=True),
        "autoOrderOutForDelivery": _switch("Avisar: pedido en camino", default=True),
        "autoOrderDelivered": _switch("Avisar: pedido entregado", default=True),
        "autoOrderCancelled": _switch("Avisar: pedido cancelado", default=False),
    },
}
"""JSON Schema 2020-12; a key that is not listed is refused, so that a typing error shows at once."""


def read_config(config: Mapping[str, Any]) -> WhatsAppConfig:
    """Read a configuration that is valid by `CONFIG_SCHEMA`.

    Raises:
        msgspec.ValidationError: it is not valid, which the host should have refused.
    """
    return msgspec.convert(dict(config), WhatsAppConfig)

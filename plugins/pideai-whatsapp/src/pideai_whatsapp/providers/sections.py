"""The parts of a store's configuration that belong to one provider: their schema and their typed view.

A section may stay while another provider is chosen, so that a store can go back. Secrets are ``writeOnly``: the host
seals them, and `choose` reads them by the pointers below.
"""

from typing import Any, Final

import msgspec

from pideai_whatsapp.providers.templates import TemplateRule, templates_schema
from pideai_whatsapp.text.templates import MessageType

TWILIO_AUTH_TOKEN: Final = "/twilio/authToken"  # noqa: S105 - where it lies
TWILIO_API_KEY_SECRET: Final = "/twilio/apiKeySecret"  # noqa: S105 - where it lies
META_ACCESS_TOKEN: Final = "/meta/accessToken"  # noqa: S105 - where it lies
META_APP_SECRET: Final = "/meta/appSecret"  # noqa: S105 - where it lies
META_VERIFY_TOKEN: Final = "/meta/verifyToken"  # noqa: S105 - where it lies
META_PHONE_NUMBER_ID: Final = "/meta/phoneNumberId"
"""Where `WebhookLookup.by_config` finds the stores of a report."""


class TwilioSection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A store's Twilio account, without its secrets.

    Attributes:
        api_key_sid: The key that sends; None, and the auth token does.
        sender: An E.164 number; None, and the messaging service chooses.
    """

    account_sid: str
    api_key_sid: str | None = None
    sender: str | None = None
    messaging_service_sid: str | None = None
    templates: dict[MessageType, TemplateRule] = {}


class MetaSection(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A store's business number, without its secrets."""

    phone_number_id: str
    api_version: str = "v23.0"
    templates: dict[MessageType, TemplateRule] = {}


def _secret(title: str, description: str) -> dict[str, Any]:
    return {
        "type": "string",
        "title": title,
        "description": description,
        "writeOnly": True,
        "minLength": 8,
        "maxLength": 1_000,
        "pattern": r"^[!-~]+$",
    }


def _sid(prefix: str, title: str, description: str) -> dict[str, Any]:
    return {"type": "string", "title": title, "description": description, "pattern": f"^{prefix}[0-9a-fA-F]{{32}}$"}


TWILIO_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Twilio",
    "description": "La cuenta de Twilio de la tienda; hace falta un remitente o un servicio de mensajería.",
    "additionalProperties": False,
    "required": ["accountSid", "authToken"],
    "anyOf": [{"required": ["sender"]}, {"required": ["messagingServiceSid"]}],
    "dependentRequired": {"apiKeySid": ["apiKeySecret"], "apiKeySecret": ["apiKeySid"]},
    "properties": {
        "accountSid": _sid("AC", "Account SID", "Empieza por AC."),
        "authToken": _secret("Auth Token", "El principal de la cuenta: con él firma Twilio sus avisos."),
        "apiKeySid": _sid("SK", "API Key SID", "Empieza por SK; si falta, se envía con el Auth Token."),
        "apiKeySecret": _secret("API Key Secret", "El secreto de esa clave."),
        "sender": {
            "type": "string",
            "title": "Remitente",
            "description": "Número de WhatsApp en Twilio, con + y código de país.",
            "pattern": r"^\+[1-9][0-9]{7,14}$",
        },
        "messagingServiceSid": _sid("MG", "Messaging Service SID", "Empieza por MG; elige el remitente."),
        "templates": templates_schema("^HX[0-9a-fA-F]{32}$"),
    },
}

META_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "title": "WhatsApp Cloud (Meta)",
    "description": "El número de empresa de la tienda en la API de Meta.",
    "additionalProperties": False,
    "required": ["phoneNumberId", "accessToken"],
    "properties": {
        "phoneNumberId": {
            "type": "string",
            "title": "Phone number ID",
            "description": "El identificador del número, no el número.",
            "pattern": "^[0-9]{5,32}$",
        },
        "accessToken": _secret("Access token", "De un usuario del sistema, que no caduca."),
        "appSecret": _secret("App secret", "Con él firma Meta sus avisos; si falta, vale el de este servidor."),
        "verifyToken": _secret("Verify token", "El que escribiste en Meta; si falta, vale el de este servidor."),
        "apiVersion": {
            "type": "string",
            "title": "Versión de la API",
            "pattern": r"^v[1-9][0-9]?\.[0-9]$",
            "default": MetaSection.__struct_defaults__[0],
        },
        "templates": templates_schema("^[a-z0-9_]{1,512}$"),
    },
}

REQUIREMENTS: Final[list[dict[str, Any]]] = [
    {
        "if": {"required": ["provider"], "properties": {"provider": {"const": provider}}},
        "then": {"required": [provider]},
    }
    for provider in ("twilio", "meta")
]
"""A provider that is chosen needs its section."""

"""Which of the provider's own templates stands for a kind of message, and what it is filled with.

Twilio and Meta let a business write first only in texts that WhatsApp approved. So a store names one for a kind, with
the tokens that its variables stand for, in their order; a kind without one goes as text, which reaches customers who
wrote in the last 24 hours.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pideai_whatsapp.providers.base import ProviderTemplate
from pideai_whatsapp.text.templates import MessageType

MESSAGE: Final = "message"
"""The token that stands for the whole text, as we would have sent it."""
_VALUE_MAX_CHARS: Final = 1_000
_NO_VALUE: Final = "-"
"""Providers refuse an empty value."""


class TemplateRule(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One of the provider's templates.

    Attributes:
        name: Twilio's ContentSid, Meta's name.
        variables: Our tokens, for the variables 1, 2, … in turn; ``message`` is the whole text.
    """

    name: str
    language: str = "es"
    variables: tuple[str, ...] = ()


def templates_schema(name_pattern: str) -> dict[str, Any]:
    """Describe the rules of one provider, by kind."""
    return {
        "type": "object",
        "title": "Plantillas aprobadas",
        "description": "La plantilla aprobada por WhatsApp que se usa para cada tipo de mensaje.",
        "propertyNames": {"enum": [kind.value for kind in MessageType]},
        "additionalProperties": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name"],
            "properties": {
                "name": {"type": "string", "title": "Nombre o ContentSid", "pattern": name_pattern},
                "language": {
                    "type": "string",
                    "title": "Idioma",
                    "pattern": "^[a-z]{2,3}(_[A-Z]{2})?$",
                    "default": TemplateRule.__struct_defaults__[0],
                },
                "variables": {
                    "type": "array",
                    "title": "Campos para las variables 1, 2, …",
                    "description": "message es el texto completo.",
                    "maxItems": 20,
                    "items": {"type": "string", "pattern": "^[a-z][a-z_-]{0,63}$"},
                },
            },
        },
    }


def filled(rule: TemplateRule, values: Mapping[str, str]) -> ProviderTemplate:
    """Fill a template's variables from the values of our tokens, each on one line as providers want it."""
    return ProviderTemplate(
        name=rule.name,
        language=rule.language,
        variables={str(n): _on_one_line(values.get(token, "")) for n, token in enumerate(rule.variables, start=1)},
    )


def _on_one_line(value: str) -> str:
    lines = (" ".join(line.split()) for line in value.splitlines())
    return "; ".join(line for line in lines if line)[:_VALUE_MAX_CHARS] or _NO_VALUE

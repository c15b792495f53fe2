"""What a customer's answer asks for: to be left alone, to hear of the store again, or nothing that we know."""

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Wish(StrEnum):
    """What an answer asks for."""

    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


_OPT_OUT: Final = frozenset(
    {
        "baja",
        "dar de baja",
        "darme de baja",
        "quiero darme de baja",
        "dame de baja",
        "stop",
        "cancelar suscripcion",
        "no mas mensajes",
        "no mas promociones",
        "no enviar mas",
        "no quiero mas mensajes",
        "no quiero promociones",
        "no quiero recibir mensajes",
        "no quiero recibir mas mensajes",
        "no quiero recibir promociones",
        "no me escriban mas",
        "no enviar mas mensajes",
        "quiero la baja",
        "solicito la baja",
        "baja promociones",
        "unsubscribe",
        "sair",
        "parar",
        "descadastrar",
    }
)
_OPT_IN: Final = frozenset({"alta", "darme de alta", "dar de alta", "dame de alta", "quiero darme de alta", "start"})
_MAX_CHARS: Final = 60


def wish_of(text: str) -> Wish | None:
    """Tell what an answer asks for; only whole answers count, so that "la persiana no baja" asks for nothing.

    Case, accents, punctuation and emoji do not matter, nor a "por favor" or "gracias" around it.
    """
    if len(text) > _MAX_CHARS:
        return None
    words = _plain(text)
    if words in _OPT_OUT:
        return Wish.OPT_OUT
    return Wish.OPT_IN if words in _OPT_IN else None


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text).casefold()
    without_accents = "".join(sign for sign in apart if not unicodedata.combining(sign))
    words = " ".join(re.findall(r"[^\W_]+", without_accents))
    return re.sub(r"\b(?:por favor|gracias|hola)\b", "", words).strip()

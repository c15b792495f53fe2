"""Why the host ended a delivery, in the words of owners."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from pideai_host.events.reasons import EndReason


class ReasonOut(msgspec.Struct, frozen=True):
    """Why the host itself ended a delivery, and how to say so to an owner."""

    code: EndReason
    es: Annotated[str, Meta(description="In Spanish.")]
    en: Annotated[str, Meta(description="In English.")]


_WORDS: Final[Mapping[EndReason, tuple[str, str]]] = {
    EndReason.GAVE_UP: (
        "No se pudo entregar: fallaron todos los intentos y ya no se hará otro.",
        "It could not be delivered: every attempt failed, and no other is made.",
    ),
    EndReason.WAITED_TOO_LONG: (
        "No se pudo entregar: el plugin pidió esperar más de lo permitido.",
        "It could not be delivered: the plugin asked to wait for longer than it may.",
    ),
    EndReason.TOO_OLD: (
        "No se entregó: ya era demasiado tarde cuando le llegó el turno.",
        "It was not delivered: it was too old when its turn came.",
    ),
    EndReason.UNINSTALLED: (
        "No se entregó: la tienda ya no tiene instalado el plugin.",
        "It was not delivered: the store has uninstalled the plugin.",
    ),
    EndReason.CRASHED: (
        "No se pudo entregar: el plugin detuvo el servidor cada vez que se intentó.",
        "It could not be delivered: the plugin ended the server each time that it was tried.",
    ),
    EndReason.UNREADABLE: (
        "No se pudo entregar: los datos guardados del evento no se pueden leer.",
        "It could not be delivered: what is kept of the event cannot be read.",
    ),
}

REASONS: Final[Mapping[str, ReasonOut]] = MappingProxyType(
    {reason.value: ReasonOut(reason, es, en) for reason, (es, en) in _WORDS.items()}
)
"""By code."""

"""What it means when a provider does not take a message, as far as all of them mean the same; pure.

Each provider's own numbers and words stand in its ``…_replies``; what they do not know is judged here, by HTTP's
status.
"""

from typing import Final

from pideai_whatsapp.providers.base import (
    MessageRefused,
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
)
from pideai_whatsapp.providers.calls import Answer

Meaning = tuple[type[ProviderProblem], str]
"""The kind of a problem, and what the owner reads of it."""

WINDOW: Final[Meaning] = (
    MessageRefused,
    "El cliente no ha escrito en las últimas 24 horas; WhatsApp solo acepta una plantilla aprobada.",
)
NOT_ARRIVED: Final = "WhatsApp no entregó el mensaje."

_GATEWAY_GAVE_UP: Final = frozenset({504, 524})
_TRY_LATER: Final = frozenset({408, 425, 429})
_NO_WAY_IN: Final = frozenset({401, 403, 404})


class Meanings:
    """What one provider may mean, in words with its name.

    Args:
        who: Its name, as the owner knows it.
    """

    def __init__(self, who: str) -> None:
        self.no_setup: Final[Meaning] = (ProviderConfiguration, f"La conexión con {who} está mal configurada.")
        self.refused: Final[Meaning] = (MessageRefused, f"{who} rechazó el mensaje.")
        self.later: Final[Meaning] = (ProviderUnavailable, f"{who} pide esperar.")
        self.failed: Final[Meaning] = (ProviderUnavailable, f"{who} falló por ahora.")
        self.silent: Final[Meaning] = (RequestLost, f"{who} no respondió a tiempo; no se sabe si envió el mensaje.")
        self.nameless: Final[Meaning] = (
            RequestLost,
            f"{who} respondió sin identificar el mensaje; no se sabe si lo envió.",
        )

    def of_status(self, status: int) -> Meaning:
        """Judge an answer that says no more than its status."""
        if status in _GATEWAY_GAVE_UP:
            return self.silent
        if status in _NO_WAY_IN or 300 <= status < 400:  # noqa: PLR2004 - HTTP's own classes
            return self.no_setup
        if status in _TRY_LATER:
            return self.later
        return self.refused if 400 <= status < 500 else self.failed  # noqa: PLR2004 - as above

    def unidentified(self, answer: Answer) -> ProviderProblem:
        """Return what a success without the message's id is: it was probably taken, and no receipt will ever fit it."""
        kind, words = self.nameless
        return kind(words, response_code=answer.status, response_body=answer.shown())


def problem_from(meaning: Meaning, detail: str, answer: Answer) -> ProviderProblem:
    """Return a problem that shows what the provider said, `detail` of it beside our own words."""
    kind, words = meaning
    said = f"{answer.status}: {detail}" if detail else f"{answer.status}"
    return kind(f"{words} ({said})", response_code=answer.status, response_body=answer.shown())

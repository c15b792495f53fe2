"""What Twilio's answers and its error numbers mean; pure.

Twilio refines its numbers over time, so only those stand here that decide between "never", "later" and "not set up";
any other is judged by its HTTP status.
"""

from typing import Any, Final

from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.calls import WORDS_CHARS, Answer
from pideai_whatsapp.providers.outside import identifier, printable
from pideai_whatsapp.providers.signals import Progress

Kind = type[ProviderProblem]

_NO_SETUP: Final = (ProviderConfiguration, "La conexión con Twilio está mal configurada.")
_LATER: Final = (ProviderUnavailable, "Twilio pide esperar.")
_NOBODY: Final = (InvalidRecipient, "El número del cliente no tiene WhatsApp.")
_REFUSED: Final = (MessageRefused, "Twilio rechazó el mensaje.")
_WINDOW: Final = (
    MessageRefused,
    "El cliente no ha escrito en las últimas 24 horas; WhatsApp solo acepta una plantilla aprobada.",
)

_MEANINGS: Final[dict[int, tuple[Kind, str]]] = {
    20003: _NO_SETUP,
    20404: _NO_SETUP,
    20429: _LATER,
    21211: _NOBODY,
    21608: (MessageRefused, "La cuenta de prueba de Twilio no tiene verificado este número."),
    21610: (MessageRefused, "El cliente pidió no recibir mensajes."),
    21612: (MessageRefused, "Twilio no puede enviar de este remitente a este número."),
    63003: _NOBODY,
    63007: _NO_SETUP,
    63016: _WINDOW,
    63018: _LATER,
    63024: _NOBODY,
}
_GATEWAY_GAVE_UP: Final = frozenset({504, 524})
_TRY_LATER: Final = frozenset({408, 425, 429})
_PROGRESS: Final = {
    "queued": Progress.ACCEPTED,
    "accepted": Progress.ACCEPTED,
    "scheduled": Progress.ACCEPTED,
    "sending": Progress.ACCEPTED,
    "sent": Progress.SENT,
    "delivered": Progress.DELIVERED,
    "partially_delivered": Progress.DELIVERED,
    "read": Progress.READ,
    "failed": Progress.FAILED,
    "undelivered": Progress.FAILED,
    "canceled": Progress.FAILED,
}


def receipt_of(answer: Answer) -> SendReceipt:
    """Read the answer to a send.

    Raises:
        ProviderProblem: it is not a receipt. A 2xx without a sid is `RequestLost`.
    """
    if not answer.is_success:
        raise problem_of(answer)
    body = answer.decoded()
    sid = identifier(body.get("sid")) if isinstance(body, dict) else None
    if sid is None:
        raise RequestLost(
            "Twilio respondió sin identificar el mensaje; no se sabe si lo envió.",
            response_code=answer.status,
            response_body=answer.shown(),
        )
    if progress_of(body) is Progress.FAILED:
        raise _problem(meaning_of(body.get("error_code"), 400), error_of(body) or "", answer)
    return SendReceipt(message_id=sid, response_code=answer.status)


def problem_of(answer: Answer) -> ProviderProblem:
    """Tell what an answer that is no receipt means: by its number where it has one that we know, else by its status."""
    body = answer.decoded()
    code = body.get("code") if isinstance(body, dict) else None
    message = (body.get("message") or body.get("detail") or body.get("title")) if isinstance(body, dict) else None
    words = f"{code}: {message}" if isinstance(message, str) else answer.shown(WORDS_CHARS)
    return _problem(meaning_of(code, answer.status), words, answer)


def progress_of(message: dict[str, Any], field: str = "status") -> Progress | None:
    """Return how far a message is; None for a word of Twilio's that says nothing of it."""
    status = message.get(field)
    return _PROGRESS.get(status) if isinstance(status, str) else None


def error_of(message: dict[str, Any]) -> str | None:
    """Return why a message failed, as its own record tells."""
    code, text = message.get("error_code"), message.get("error_message")
    if code is None and text is None:
        return None
    return failure(code, text if isinstance(text, str) else None)


def failure(code: Any, text: str | None) -> str:
    """Say why a message failed, from the number that came with its status."""
    number = _number(code)
    words = _MEANINGS[number][1] if number in _MEANINGS else "WhatsApp no entregó el mensaje."
    detail = " ".join(part for part in (str(number) if number is not None else "", text or "") if part)
    return printable(f"{words} (Twilio {detail})" if detail else words, WORDS_CHARS)


def meaning_of(code: Any, status: int) -> tuple[Kind, str]:
    """Return the kind of a problem and its words."""
    number = _number(code)
    if number in _MEANINGS:
        return _MEANINGS[number]
    if status in _GATEWAY_GAVE_UP:
        return RequestLost, "Twilio no respondió a tiempo; no se sabe si envió el mensaje."
    if status in (401, 403, 404) or 300 <= status < 400:  # noqa: PLR2004 - HTTP's own classes
        return _NO_SETUP
    if status in _TRY_LATER:
        return _LATER
    return _REFUSED if 400 <= status < 500 else (ProviderUnavailable, "Twilio falló por ahora.")  # noqa: PLR2004 - as above


def _problem(meaning: tuple[Kind, str], said: str, answer: Answer) -> ProviderProblem:
    kind, words = meaning
    detail = printable(said, WORDS_CHARS)
    message = f"{words} ({answer.status}: {detail})" if detail else f"{words} ({answer.status})"
    return kind(message, response_code=answer.status, response_body=answer.shown())


def _number(code: Any) -> int | None:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 6:  # noqa: PLR2004 - they have five
        return int(code)
    return code if type(code) is int else None

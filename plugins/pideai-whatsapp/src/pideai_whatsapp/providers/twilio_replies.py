"""What Twilio's answers and its error numbers mean; pure.

Twilio refines its numbers over time, so only those stand here that decide between "never", "later" and "not set up";
any other is judged by its HTTP status.
"""

from typing import Any, Final

from pideai_whatsapp.providers.base import InvalidRecipient, MessageRefused, ProviderProblem, SendReceipt
from pideai_whatsapp.providers.calls import WORDS_CHARS, Answer
from pideai_whatsapp.providers.meanings import NOT_ARRIVED, WINDOW, Meaning, Meanings, problem_from
from pideai_whatsapp.providers.outside import identifier, printable
from pideai_whatsapp.providers.signals import Progress

_TWILIO: Final = Meanings("Twilio")
_NOBODY: Final = (InvalidRecipient, "El número del cliente no tiene WhatsApp.")

_MEANINGS: Final[dict[int, Meaning]] = {
    20003: _TWILIO.no_setup,
    20404: _TWILIO.no_setup,
    20429: _TWILIO.later,
    21211: _NOBODY,
    21608: (MessageRefused, "La cuenta de prueba de Twilio no tiene verificado este número."),
    21610: (MessageRefused, "El cliente pidió no recibir mensajes."),
    21612: (MessageRefused, "Twilio no puede enviar de este remitente a este número."),
    63003: _NOBODY,
    63007: _TWILIO.no_setup,
    63016: WINDOW,
    63018: _TWILIO.later,
    63024: _NOBODY,
}
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
        raise _TWILIO.unidentified(answer)
    if progress_of(body) is Progress.FAILED:
        raise problem_from(_meaning(body.get("error_code"), 400), error_of(body) or "", answer)
    return SendReceipt(message_id=sid, response_code=answer.status)


def problem_of(answer: Answer) -> ProviderProblem:
    """Tell what an answer that is no receipt means: by its number where it has one that we know, else by its status."""
    body = answer.decoded()
    code = body.get("code") if isinstance(body, dict) else None
    message = (body.get("message") or body.get("detail") or body.get("title")) if isinstance(body, dict) else None
    words = f"{code}: {message}" if isinstance(message, str) else answer.shown(WORDS_CHARS)
    return problem_from(_meaning(code, answer.status), printable(words, WORDS_CHARS), answer)


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
    words = _MEANINGS[number][1] if number in _MEANINGS else NOT_ARRIVED
    detail = " ".join(part for part in (str(number) if number is not None else "", text or "") if part)
    return printable(f"{words} (Twilio {detail})" if detail else words, WORDS_CHARS)


def _meaning(code: Any, status: int) -> Meaning:
    number = _number(code)
    return _MEANINGS[number] if number in _MEANINGS else _TWILIO.of_status(status)


def _number(code: Any) -> int | None:
    if isinstance(code, str) and code.isascii() and code.isdigit() and len(code) <= 6:  # noqa: PLR2004 - they have five
        return int(code)
    return code if type(code) is int else None

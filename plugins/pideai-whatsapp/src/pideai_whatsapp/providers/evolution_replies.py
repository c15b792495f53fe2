"""What Evolution API's answers mean; pure, so that every odd shape is a line in a test.

An error's ``response.message`` is a string, a list of strings, a list of lists, a list of objects, or absent; a lost
session hides behind 400 as well as 500; a 200 can say ``"error": true``. There is no error code in the body.
"""

from typing import Any, Final

import msgspec

from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    NotConnected,
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)

_SHOWN_CHARS: Final = 300
_BODY_CHARS: Final = 2_000
_NO_SESSION: Final = ("Connection Closed", "Timed Out", "reading 'onWhatsApp'")
_GATEWAY_GAVE_UP: Final = frozenset({504, 524})
_TRY_LATER: Final = frozenset({408, 425, 429})


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """The words of an error body, whatever its shape.

    Attributes:
        is_no_recipient: The body says that a number is not on WhatsApp (``exists: false``).
    """

    text: str
    is_no_recipient: bool = False


def receipt_of(status: int, body: bytes) -> SendReceipt:
    """Read the answer to a send.

    Raises:
        ProviderProblem: it is not a receipt; which problem, see `problem_of`. A 2xx that is neither a receipt nor an
            error is `RequestLost`: the message was probably taken, and no receipt can ever be matched to it.
    """
    if not 200 <= status < 300:  # noqa: PLR2004 - HTTP's own classes
        raise problem_of(status, body)
    answer = _decoded(body)
    if isinstance(answer, dict):
        if answer.get("error") is True:
            raise problem_of(status, body)
        key = answer.get("key")
        if isinstance(key, dict) and isinstance(key.get("id"), str) and key["id"]:
            return SendReceipt(message_id=key["id"], response_code=status)
    raise RequestLost(
        "Evolution respondió sin identificar el mensaje; no se sabe si lo envió.",
        response_code=status,
        response_body=_shown(body, _BODY_CHARS),
    )


def problem_of(status: int, body: bytes) -> ProviderProblem:
    """Tell what an answer that is no receipt means, from its status and its words."""
    complaint = complaint_of(body)
    kind, words = _meaning(status, complaint)
    detail = f" ({status}: {complaint.text})" if complaint.text else f" ({status})"
    return kind(words + detail, response_code=status, response_body=_shown(body, _BODY_CHARS))


def complaint_of(body: bytes) -> Complaint:
    """Collect the words of an error body of any of the five shapes, or of a body that is not JSON at all."""
    answer = _decoded(body)
    if not isinstance(answer, dict):
        return Complaint(text=_shown(body, _SHOWN_CHARS))
    response = answer.get("response")
    message = response.get("message") if isinstance(response, dict) else answer.get("message")
    parts = _flat(message)
    words = [part for part in parts if isinstance(part, str)]
    absent = any(isinstance(part, dict) and part.get("exists") is False for part in parts)
    if absent:
        words.append("exists: false")
    if not words and isinstance(answer.get("error"), str):
        words.append(answer["error"])
    return Complaint(text="; ".join(words)[:_SHOWN_CHARS], is_no_recipient=absent)


def _meaning(status: int, complaint: Complaint) -> tuple[type[ProviderProblem], str]:
    if status == 400 and complaint.is_no_recipient:  # noqa: PLR2004
        return InvalidRecipient, "El número del cliente no tiene WhatsApp."
    if status == 400 and "Timed Out" in complaint.text:  # noqa: PLR2004
        # Only a send answers so, the look-up before it with 500; WhatsApp may have the message.
        return RequestLost, "WhatsApp no respondió a tiempo; no se sabe si envió el mensaje."
    if any(sign in complaint.text for sign in _NO_SESSION):
        return NotConnected, "El WhatsApp de la tienda no está conectado."
    if status == 404 and "does not exist" in complaint.text:  # noqa: PLR2004
        return NotConnected, "La tienda no tiene una instancia de WhatsApp."
    if status in _GATEWAY_GAVE_UP:
        return RequestLost, "Evolution no respondió a tiempo; no se sabe si envió el mensaje."
    return _meaning_of_status(status)


def _meaning_of_status(status: int) -> tuple[type[ProviderProblem], str]:
    if status in (401, 403, 404) or 300 <= status < 400:  # noqa: PLR2004
        return ProviderConfiguration, "La conexión con Evolution está mal configurada."
    if 400 <= status < 500 and status not in _TRY_LATER:  # noqa: PLR2004
        return MessageRefused, "Evolution rechazó el mensaje."
    return ProviderUnavailable, "Evolution falló por ahora."


def _flat(message: Any) -> list[Any]:
    """Open lists, two deep: Evolution's validator nests no further."""
    if not isinstance(message, list):
        return [message]
    return [part for entry in message for part in (entry if isinstance(entry, list) else [entry])]


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        # Not JSON, or nested beyond reason: an answer of something else than Evolution, judged by its status.
        return None


def _shown(body: bytes, max_chars: int) -> str:
    text = body[: 4 * max_chars].decode("utf-8", "replace")
    return "".join(sign for sign in text if sign.isprintable())[:max_chars]

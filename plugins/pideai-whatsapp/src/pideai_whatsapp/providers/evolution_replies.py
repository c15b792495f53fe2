"""What Evolution API's answers mean; pure, so that every odd shape is a line in a test.

An error's ``response.message`` is a string, a list of strings, a list of lists, a list of objects, or absent; a lost
session hides behind 400 as well as 500; a 200 can say ``"error": true``. There is no error code in the body.
"""

from http import HTTPStatus
from typing import Any, Final

import msgspec

from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    NotConnected,
    ProviderProblem,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.calls import WORDS_CHARS, Answer
from pideai_whatsapp.providers.meanings import Meaning, Meanings, problem_from
from pideai_whatsapp.providers.outside import identifier, printable, within

_NO_SESSION: Final = ("Connection Closed", "Timed Out", "reading 'onWhatsApp'", "reading 'waUploadToServer'")
_EVOLUTION: Final = Meanings("Evolution")


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """The words of an error body, whatever its shape.

    Attributes:
        is_no_recipient: The body says that a number is not on WhatsApp (``exists: false``).
        is_error: The body says ``"error": true``, as ``connect`` and ``restart`` do with a 200.
    """

    text: str
    is_no_recipient: bool = False
    is_error: bool = False


def receipt_of(answer: Answer) -> SendReceipt:
    """Read the answer to a send.

    Raises:
        ProviderProblem: it is not a receipt; which problem, see `problem_of`. A 2xx that is neither a receipt nor an
            error is `RequestLost`: the message was probably taken, and no receipt can ever be matched to it.
    """
    if not answer.is_success:
        raise problem_of(answer)
    body = answer.decoded()
    if isinstance(body, dict):
        if body.get("error") is True:
            raise problem_of(answer)
        message_id = identifier(within(body, "key", "id"))
        if message_id is not None:
            return SendReceipt(message_id=message_id, response_code=answer.status)
    raise _EVOLUTION.unidentified(answer)


def problem_of(answer: Answer) -> ProviderProblem:
    """Tell what an answer that is no receipt means, from its status and its words."""
    complaint = complaint_of(answer.body)
    return problem_from(_meaning(answer.status, complaint), complaint.text, answer)


def complaint_of(body: bytes) -> Complaint:
    """Collect the words of an error body of any of the five shapes, or of a body that is not JSON at all."""
    answer = Answer(status=0, body=body)
    decoded = answer.decoded()
    if not isinstance(decoded, dict):
        return Complaint(text=answer.shown(WORDS_CHARS))
    response = decoded.get("response")
    message = response.get("message") if isinstance(response, dict) else decoded.get("message")
    parts = _flat(message)
    words = [part for part in parts if isinstance(part, str)]
    absent = any(isinstance(part, dict) and part.get("exists") is False for part in parts)
    if absent:
        words.append("exists: false")
    if not words and isinstance(decoded.get("error"), str):
        words.append(decoded["error"])
    return Complaint(
        text=printable("; ".join(words), WORDS_CHARS), is_no_recipient=absent, is_error=decoded.get("error") is True
    )


def is_gone(answer: Answer) -> bool:
    """Tell whether the server has no such instance; it says so whatever the key."""
    return answer.status == HTTPStatus.NOT_FOUND and "does not exist" in complaint_of(answer.body).text


def is_name_in_use(answer: Answer) -> bool:
    """Tell whether ``create`` met an instance of that name; said before the key is looked at."""
    return answer.status == HTTPStatus.FORBIDDEN and "already in use" in complaint_of(answer.body).text


def is_logged_out(answer: Answer) -> bool:
    """Tell whether a phone is unlinked: now, or before."""
    complaint = complaint_of(answer.body)
    if answer.is_success:
        return not complaint.is_error
    return answer.status == HTTPStatus.BAD_REQUEST and "is not connected" in complaint.text


def _meaning(status: int, complaint: Complaint) -> Meaning:
    if status == HTTPStatus.BAD_REQUEST and complaint.is_no_recipient:
        return InvalidRecipient, "El número del cliente no tiene WhatsApp."
    if status == HTTPStatus.BAD_REQUEST and "Timed Out" in complaint.text:
        # Only a send answers so, the look-up before it with 500; WhatsApp may have the message.
        return RequestLost, "WhatsApp no respondió a tiempo; no se sabe si envió el mensaje."
    if any(sign in complaint.text for sign in _NO_SESSION):
        return NotConnected, "El WhatsApp de la tienda no está conectado."
    if status == HTTPStatus.NOT_FOUND and "does not exist" in complaint.text:
        return NotConnected, "La tienda no tiene una instancia de WhatsApp."
    meaning = _EVOLUTION.of_status(status)
    # To be tried later, as what asks to wait; told like any failure that passes.
    return _EVOLUTION.failed if meaning is _EVOLUTION.later else meaning


def _flat(message: Any) -> list[Any]:
    """Open lists, two deep: Evolution's validator nests no further."""
    if not isinstance(message, list):
        return [message]
    return [part for entry in message for part in (entry if isinstance(entry, list) else [entry])]

"""What the Cloud API's answers and its error numbers mean, on an answer as in a status report; pure.

Meta says to decide on ``code`` and ``details``, never on titles or subcodes; a number that is not here is judged by its
HTTP status.
"""

from typing import Any, Final

from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.calls import WORDS_CHARS, Answer
from pideai_whatsapp.providers.meanings import NOT_ARRIVED, WINDOW, Meaning, Meanings, problem_from
from pideai_whatsapp.providers.outside import identifier, printable

_CLOUD: Final = Meanings("WhatsApp Cloud")

_MEANINGS: Final[dict[int, Meaning]] = {
    **dict.fromkeys((0, 3, 10, 190, 368, 131005, 131031, 131042), _CLOUD.no_setup),
    **dict.fromkeys(range(200, 300), _CLOUD.no_setup),
    **dict.fromkeys((4, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 133016), _CLOUD.later),
    **dict.fromkeys(
        (100, 131008, 131009, 131051, 131052, 131053, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016),
        _CLOUD.refused,
    ),
    130472: (MessageRefused, "WhatsApp no entrega este mensaje a este cliente."),
    130497: (MessageRefused, "WhatsApp no permite escribir a este país desde esta cuenta."),
    131021: (MessageRefused, "El número del cliente es el de la tienda."),
    131026: (InvalidRecipient, "El número del cliente no recibe WhatsApp."),
    131030: (MessageRefused, "La cuenta de prueba de WhatsApp no tiene permitido este número."),
    131047: WINDOW,
    131049: (MessageRefused, "WhatsApp retuvo el mensaje para no cansar al cliente."),
    131050: (MessageRefused, "El cliente pidió no recibir promociones."),
}


def receipt_of(answer: Answer) -> SendReceipt:
    """Read the answer to a send.

    Raises:
        ProviderProblem: it is not a receipt. A 2xx without an id is `RequestLost`.
    """
    body = answer.decoded()
    if not answer.is_success or (isinstance(body, dict) and isinstance(body.get("error"), dict)):
        raise problem_of(answer)
    messages = body.get("messages") if isinstance(body, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    message_id = identifier(first.get("id")) if isinstance(first, dict) else None
    if message_id is None:
        raise _CLOUD.unidentified(answer)
    return SendReceipt(message_id=message_id, response_code=answer.status)


def names_number(answer: Answer, phone_number_id: str) -> bool:
    """Tell whether an answer shows the number that was asked for; False where Meta does not let the token see it.

    Raises:
        ProviderUnavailable: Meta says neither.
    """
    body = answer.decoded()
    if answer.is_success and isinstance(body, dict) and not isinstance(body.get("error"), dict):
        return body.get("id") == phone_number_id and isinstance(body.get("display_phone_number"), str)
    problem = problem_of(answer)
    if isinstance(problem, ProviderUnavailable | RequestLost):
        raise ProviderUnavailable(problem.message, response_code=answer.status)
    return False


def problem_of(answer: Answer) -> ProviderProblem:
    """Tell what an answer that is no receipt means."""
    body = answer.decoded()
    error = body.get("error") if isinstance(body, dict) else None
    code = _code_of(error)
    meaning = _MEANINGS[code] if code in _MEANINGS else _CLOUD.of_status(answer.status)
    return problem_from(meaning, _details_of(error) or answer.shown(WORDS_CHARS), answer)


def failure(errors: Any) -> str:
    """Say why a message failed, from the errors of its status report."""
    error = errors[0] if isinstance(errors, list) and errors else None
    code = _code_of(error)
    words = _MEANINGS[code][1] if code in _MEANINGS else NOT_ARRIVED
    detail = _details_of(error)
    return printable(f"{words} ({detail})" if detail else words, WORDS_CHARS)


def _code_of(error: Any) -> int | None:
    code = error.get("code") if isinstance(error, dict) else None
    return code if type(code) is int else None


def _details_of(error: Any) -> str:
    """Return an error's number and its details, which Meta means to be read; its message where there are none."""
    if not isinstance(error, dict):
        return ""
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    words = next((text for text in (details, error.get("message"), error.get("title")) if isinstance(text, str)), "")
    code = _code_of(error)
    return printable(f"{code}: {words}" if code is not None else words, WORDS_CHARS)

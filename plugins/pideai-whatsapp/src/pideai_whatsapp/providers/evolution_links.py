"""What Evolution answers about a session: its state, and codes to scan, of which some are of a session long gone.

After a logout ``connect`` may answer the code of the session before until a new one comes. Only a code that differs
from the last one known is shown; webhooks bring each new code anyway, and what they bring is fresh.
"""

import re
from typing import Any, Final

from pideai_whatsapp.providers.base import Link, ProviderUnavailable
from pideai_whatsapp.providers.calls import Answer
from pideai_whatsapp.providers.evolution_replies import complaint_of, problem_of
from pideai_whatsapp.providers.signals import ConnectionState, Qr

_CODE_MAX_CHARS: Final = 2_000
_COUNT_END: Final = 1_000
_PNG: Final = "data:image/png;base64,"
_PNG_MAX_CHARS: Final = 262_144
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_PAIRING: Final = re.compile(r"[A-Za-z0-9]{4,4}-?[A-Za-z0-9]{4,4}")
_STATES: Final = {
    "connecting": ConnectionState.CONNECTING,
    "open": ConnectionState.OPEN,
    "close": ConnectionState.CLOSE,
    "closed": ConnectionState.CLOSE,
    "refused": ConnectionState.CLOSE,
}


def made_link_of(answer: Answer) -> Link:
    """Read the answer to ``create``: the session is new, and so is its code."""
    body = _object(answer)
    return Link(state=ConnectionState.CONNECTING, qr=qr_of(body.get("qrcode")))


def link_of(answer: Answer, *, previous: str | None) -> Link:
    """Read the answer to ``connect`` or ``restart``: a code, or the state of an instance that needs none.

    Raises:
        ProviderProblem: it is an error, be it with 200.
    """
    body = _object(answer)
    if isinstance(instance := body.get("instance"), dict):
        return Link(state=read_state(instance.get("state")) or ConnectionState.CONNECTING)
    qr = qr_of(body)
    if qr is None:
        return Link(state=ConnectionState.CONNECTING)
    if previous is None or qr.code == previous:
        return Link(state=ConnectionState.CONNECTING, doubtful_code=qr.code)
    return Link(state=ConnectionState.CONNECTING, qr=qr)


def state_of(answer: Answer) -> ConnectionState | None:
    """Read the answer to ``connectionState``; without a state the instance is just disappearing.

    Raises:
        ProviderProblem: it is an error.
    """
    instance = _object(answer).get("instance")
    return read_state(instance.get("state")) if isinstance(instance, dict) else None


def read_state(state: Any) -> ConnectionState | None:
    """Return what a word of the server's means; None for no word of its."""
    return _STATES.get(state) if isinstance(state, str) else None


def qr_of(body: Any) -> Qr | None:
    """Find a code where there is one: with ``create`` it lies under ``qrcode``, with ``connect`` at the top.

    Bounded, and its picture is a PNG in base64 or none at all: it goes into a page.
    """
    if not isinstance(body, dict):
        return None
    code, picture, pairing, count = (body.get(name) for name in ("code", "base64", "pairingCode", "count"))
    if not isinstance(code, str) or not 0 < len(code) <= _CODE_MAX_CHARS or not code.isprintable():
        return None
    return Qr(
        code=code,
        png_data_url=_png(picture),
        pairing_code=pairing if isinstance(pairing, str) and _PAIRING.fullmatch(pairing) else None,
        count=count if type(count) is int and 0 <= count < _COUNT_END else None,
    )


def _png(picture: Any) -> str | None:
    if not isinstance(picture, str) or len(picture) > _PNG_MAX_CHARS:
        return None
    data = picture.removeprefix(_PNG)
    return f"{_PNG}{data}" if _BASE64.fullmatch(data) else None


def _object(answer: Answer) -> dict[str, Any]:
    body = answer.decoded()
    if not answer.is_success or complaint_of(answer.body).is_error:
        raise problem_of(answer)
    if not isinstance(body, dict):
        raise ProviderUnavailable("Evolution respondió algo que no se entiende.", response_code=answer.status)
    return body

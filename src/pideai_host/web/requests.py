"""What every request has: an id, and a body that is read strictly and within bounds."""

import asyncio
import re
from collections.abc import Mapping
from random import getrandbits
from typing import Any, Final

import msgspec
from litestar import Request
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_415_UNSUPPORTED_MEDIA_TYPE
from litestar.types import Message, Scope

from pideai_host.api.errors import PideaiError
from pideai_host.web.bodies import BodyTooSlow
from pideai_host.web.body_faults import all_faults, faults_of_text, has_half_a_character
from pideai_host.web.limits import BODY_LIMIT_S

REQUEST_ID_HEADER: Final = "x-request-id"
_HEADER: Final = REQUEST_ID_HEADER.encode()

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})
_UNPACKED: Final = frozenset({"", "identity"})
_WHERE: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")


class BodyRejected(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A body is not JSON, or not of the documented shape; carries faults by JSON pointer."""

    code = "body_rejected"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("the body has faults: " + "; ".join(f"{at or '/'} {why}" for at, why in faults.items()))
        self.faults = dict(faults)


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a body straight into the handler's type, without coercion; Litestar's own way takes "5" for 5.

    It also refuses, as the sender's mistake, what would otherwise surface as ours (nesting without end, text that is
    not UTF-8, NUL characters, which PostgreSQL cannot keep) and what two readers would take for different things (a key
    that stands there twice).
    """

    async def json(self) -> Any:
        """Return the body as the type of the handler's `data`.

        Raises:
            BodyRejected: it is not that.
            HTTPException: it says of itself that it is no JSON (415).
        """
        require_plain_json(self)
        field = self.route_handler.parsed_data_field
        return decode(await self.body(), Any if field is None else field.annotation)

    async def body(self) -> bytes:
        """Return the body; a sender that drips it holds a connection for `BODY_LIMIT_S` at most.

        Raises:
            BodyTooSlow: it did not arrive in time.
        """
        try:
            async with asyncio.timeout(BODY_LIMIT_S):
                return await super().body()
        except TimeoutError:
            raise BodyTooSlow(f"the body did not arrive within {BODY_LIMIT_S:g} s") from None


def require_plain_json(request: Request[Any, Any, Any]) -> None:
    """Return if a body says of itself that it is JSON in UTF-8, or nothing.

    Raises:
        HTTPException: it says that it is something else, or packed (415).
    """
    kind, parameters = request.content_type
    charset = parameters.get("charset", "utf-8")
    packed = request.headers.get("content-encoding", "identity")
    why = None
    if kind and kind != "application/json":
        why = f"{kind[:80]} is not application/json"
    elif charset.strip('"').lower() not in _CHARSETS:
        why = f"JSON is UTF-8, not {charset[:40]}"
    elif packed.strip().lower() not in _UNPACKED:
        why = f"bodies are taken unpacked, not as {packed[:40]}"
    if why is not None:
        raise HTTPException(status_code=HTTP_415_UNSUPPORTED_MEDIA_TYPE, detail=why)


def decode(body: bytes, kind: Any) -> Any:
    """Return a JSON body as `kind`, strictly.

    Raises:
        BodyRejected: it is not that; all faults are named.
    """
    if not body.strip():
        raise BodyRejected({"": "a body is needed"})
    if _NUL.search(body):
        raise BodyRejected({"": "NUL characters (\\u0000) cannot be stored"})
    try:
        value = msgspec.json.decode(body, type=kind)
        faults = faults_of_text(body)
    except msgspec.ValidationError as error:
        raise BodyRejected(all_faults(body, kind) or _faults(str(error))) from error
    except msgspec.MsgspecError as error:
        is_half = has_half_a_character(body)
        raise BodyRejected(
            {"": "half of a character (\\ud800 to \\udfff alone) is no text" if is_half else str(error)}
        ) from error
    except UnicodeDecodeError as error:
        raise BodyRejected({"": "not UTF-8"}) from error
    except RecursionError as error:
        raise BodyRejected({"": "nested too deeply"}) from error
    if faults:
        raise BodyRejected(faults)
    return value


def _faults(text: str) -> dict[str, str]:
    found = _WHERE.search(text)
    if found is None:
        return {"": text}
    known, _, _ = found[1].partition("[...]")  # msgspec does not say which key of a map: name the map
    return {known.replace("[", ".").replace("]", "").replace(".", "/"): text[: found.start()]}


def request_id(scope: Scope) -> str:
    """Return the request's id: the caller's own if it is a plain word, else a new one, the same however often asked."""
    state = scope["state"]
    known = state.get(REQUEST_ID_HEADER)
    if known is None:
        known = state[REQUEST_ID_HEADER] = _given_id(scope) or f"{getrandbits(128):032x}"
    return str(known)


def _given_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _HEADER:
            return value.decode() if _REQUEST_ID.fullmatch(value) else ""
    return ""


async def add_request_id(message: Message, scope: Scope) -> None:
    """Put the request's id on every answer, of unknown addresses too; to be registered as `before_send`."""
    if message["type"] == "http.response.start":
        message["headers"] = [*message["headers"], (_HEADER, request_id(scope).encode())]

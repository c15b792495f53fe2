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
from pideai_host.web.limits import BODY_LIMIT_S

REQUEST_ID_HEADER: Final = "x-request-id"
_HEADER: Final = REQUEST_ID_HEADER.encode()

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._:-]{1,64}")
_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_WHERE: Final = re.compile(r" - at `(?:key in )?\$([^`]*)`$")


class BodyRejected(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A body is not JSON, or not of the documented shape; carries faults by JSON pointer."""

    code = "body_rejected"

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("the body has faults: " + "; ".join(f"{at or '/'} {why}" for at, why in faults.items()))
        self.faults = dict(faults)


class StrictRequest(Request[Any, Any, Any]):
    """Decodes a body straight into the handler's type, without coercion; Litestar's own way takes "5" for 5.

    It also refuses, as the sender's mistake, what would otherwise surface as ours: nesting without end, text that is
    not UTF-8, and NUL characters, which PostgreSQL cannot keep.
    """

    async def json(self) -> Any:
        """Return the body as the type of the handler's `data`.

        Raises:
            BodyRejected: it is not that.
            HTTPException: it says of itself that it is no JSON (415).
        """
        kind, _ = self.content_type
        if kind and kind != "application/json":
            raise HTTPException(
                status_code=HTTP_415_UNSUPPORTED_MEDIA_TYPE, detail=f"{kind[:80]} is not application/json"
            )
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


def decode(body: bytes, kind: Any) -> Any:
    """Return a JSON body as `kind`, strictly.

    Raises:
        BodyRejected: it is not that; the first fault is named.
    """
    if _NUL.search(body):
        raise BodyRejected({"": "NUL characters (\\u0000) cannot be stored"})
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError as error:
        raise BodyRejected(_faults(str(error))) from error
    except UnicodeDecodeError as error:
        raise BodyRejected({"": "not UTF-8"}) from error
    except RecursionError as error:
        raise BodyRejected({"": "nested too deeply"}) from error


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

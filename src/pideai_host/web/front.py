"""The short way in for database changes, before the router: the hottest path of the host.

`POST /webhooks/supabase` with a right secret and a body of a known, allowed length goes straight to the door. All
else, and what goes wrong on the short way, takes Litestar's: so there is one place that checks, explains and answers
errors, and the short way holds nothing but the case in which all is well (docs/adr/0025).
"""

import asyncio
import re
import time
from typing import Final, cast

import msgspec
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_400_BAD_REQUEST
from litestar.types import HTTPScope, Receive, Scope, Send

from pideai_host.web.bodies import BodyTooSlow
from pideai_host.web.headers import counted
from pideai_host.web.heads import answer_head, has_head
from pideai_host.web.limits import BODY_LIMIT_S, WEBHOOK_BODY_MAX_BYTES
from pideai_host.web.measured import in_flight, seconds
from pideai_host.web.requests import REQUEST_ID_HEADER, request_id
from pideai_host.web.routes.webhooks import (
    FAULT_KEY,
    PATH,
    Accepted,
    WebhookSecretWrong,
    require_secret,
)
from pideai_host.web.state import STATE_KEY, HostState

_ID_HEADER: Final = REQUEST_ID_HEADER.encode()
_LENGTH: Final = re.compile(rb"[0-9]{1,9}")
_TYPE: Final = (b"content-type", b"application/json")
_NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
_answered: Final = counted("POST", PATH, 202)
_seconds: Final = seconds("POST", PATH)
_waiting: Final = in_flight(PATH)
_encode: Final = msgspec.json.Encoder().encode


class Front:
    """The application of one process as the server sees it.

    Args:
        app: What takes all that is not on the short way; its state holds the running host.
    """

    def __init__(self, app: Litestar) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == ScopeType.HTTP and scope["path"] == PATH and self._is_plain(scope):
            await self._take(scope, receive, send)
        elif scope["type"] == ScopeType.HTTP and scope["method"] == "HEAD" and has_head(scope["path"]):
            await answer_head(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_plain(self, scope: HTTPScope) -> bool:
        """Tell whether a request brings what it should."""
        if scope["method"] != "POST" or _length(scope) is None:
            return False
        try:
            require_secret(scope, self._host.webhook_secrets)
        except WebhookSecretWrong:
            return False
        return True

    async def _take(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        began_s = time.perf_counter()
        _waiting.inc()
        try:
            event_ids = await self._host.door.receive(await _body(receive, _length(scope) or 0))
        except Exception as error:  # noqa: BLE001 - told by the one place that tells errors
            state[FAULT_KEY] = error
        else:
            _seconds.observe(time.perf_counter() - began_s)
            await _answer(scope, send, _encode(Accepted(event_ids)))
            return
        finally:
            _waiting.dec()
        await self._app(scope, receive, send)

    @property
    def _host(self) -> HostState:
        return cast("HostState", self._app.state[STATE_KEY])


def _length(scope: HTTPScope) -> int | None:
    """Return the length that a body is said to have, or None if it is not said or not allowed."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if _LENGTH.fullmatch(value) and int(value) <= WEBHOOK_BODY_MAX_BYTES else None
    return None


async def _body(receive: Receive, length: int) -> bytes:
    """Read a body of a known length.

    Raises:
        BodyTooSlow: it did not arrive within `BODY_LIMIT_S`.
        HTTPException: it is shorter or longer, or the client has gone (400).
    """
    parts: list[bytes] = []
    left = length
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            while left > 0 or not parts:
                message = await receive()
                if message["type"] != "http.request":
                    break
                parts.append(message["body"])
                left -= len(message["body"])
                if not message["more_body"]:
                    break
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {BODY_LIMIT_S:g} s") from None
    if left:
        raise HTTPException(status_code=HTTP_400_BAD_REQUEST, detail="the body has another length than it said")
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def _answer(scope: HTTPScope, send: Send, body: bytes) -> None:
    headers = [
        _TYPE,
        _NOSNIFF,
        (b"content-length", str(len(body)).encode()),
        (_ID_HEADER, request_id(cast("Scope", scope)).encode()),
    ]
    _answered.inc()
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})

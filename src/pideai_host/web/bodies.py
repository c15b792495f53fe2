"""Read a whole body within bounds of size and time, before anybody looks at it."""

import asyncio
from typing import Final

from litestar.exceptions import HTTPException
from litestar.status_codes import HTTP_400_BAD_REQUEST, HTTP_413_REQUEST_ENTITY_TOO_LARGE
from litestar.types import HTTPRequestEvent, Receive

from pideai_host.api import PideaiError
from pideai_host.web.limits import BODY_LIMIT_S

_CUT: Final = HTTPException(status_code=HTTP_400_BAD_REQUEST, detail="the body ended too early")


class BodyTooSlow(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A body did not arrive in time; nothing of it is kept."""

    code = "body_too_slow"


async def whole_body(receive: Receive, most_bytes: int, *, limit_s: float = BODY_LIMIT_S) -> bytes:
    """Read a request's body; a sender that drips it holds a connection no longer than `limit_s`.

    Raises:
        BodyTooSlow: it did not arrive in time.
        HTTPException: it is larger than `most_bytes` (413), or the client has gone (400).
    """
    parts: list[bytes] = []
    left = most_bytes
    try:
        async with asyncio.timeout(limit_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise _CUT
                parts.append(message["body"])
                left -= len(message["body"])
                if left < 0:
                    raise HTTPException(
                        status_code=HTTP_413_REQUEST_ENTITY_TOO_LARGE, detail=f"more than {most_bytes} bytes"
                    )
                if not message["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {limit_s:g} s") from None


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return what gives a body that was read already, once, and after that what `receive` gives."""
    is_given = False

    async def again() -> HTTPRequestEvent:
        nonlocal is_given
        if is_given:
            return await receive()  # type: ignore[return-value]  # only a disconnect comes after a whole body
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again

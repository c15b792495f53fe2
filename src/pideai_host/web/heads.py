"""HEAD: what GET would answer, without the body. Litestar answers HEAD only where a handler is written for it."""

from typing import Final, cast

from litestar.types import ASGIApp, HTTPDisconnectEvent, HTTPScope, Message, Receive, ReceiveMessage, Scope, Send

_NOT_BELOW: Final = "/webhooks/"
_GONE: Final[HTTPDisconnectEvent] = {"type": "http.disconnect"}


def has_head(path: str) -> bool:
    """Tell whether an address that answers GET answers HEAD: all do but those whose GET may have an effect."""
    return not path.startswith(_NOT_BELOW)


async def answer_head(app: ASGIApp, scope: HTTPScope, receive: Receive, send: Send) -> None:
    """Answer a HEAD as the application answers GET; an answer without end ends with its headers."""
    is_begun = False

    async def send_head(message: Message) -> None:
        nonlocal is_begun
        if message["type"] == "http.response.start":
            is_begun = True
            await send(message)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def receive_until_begun() -> ReceiveMessage:
        return _GONE if is_begun else await receive()

    await app(cast("Scope", {**scope, "method": "GET"}), receive_until_begun, send_head)

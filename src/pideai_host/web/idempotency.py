"""Idempotency-Key: a POST sent again under its key is not carried out again, but answered as it was.

A key belongs to one user and one store. Kept are answers that tell of an effect, 2xx and 3xx; what is refused changed
nothing, so its key is free again and the request is judged anew. Who may not make the request does not get the answer
either. Secrets that are shown once are not kept: see `keep_out`.
"""

import asyncio
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

import msgspec
from litestar import Request, Router
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.routes import HTTPRoute
from litestar.status_codes import HTTP_400_BAD_REQUEST
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pideai_host.api.errors import PideaiError
from pideai_host.stores.answers import ANSWER_MAX_BYTES, HOLD_S, NO_STORE, Begun, Held, KeptAnswer, KeptAnswers, Key
from pideai_host.telemetry import get_logger
from pideai_host.web.bodies import replayed, whole_body
from pideai_host.web.limits import API_BODY_MAX_BYTES
from pideai_host.web.problems import DATABASE_AWAY
from pideai_host.web.state import host_state

HEADER: Final = "idempotency-key"
REPLAYED_HEADER: Final = "idempotency-replayed"
KEY_MAX_CHARS: Final = 255
WAIT_S: Final = 2.0
LOOK_S: Final = 0.1

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS: Final = frozenset({b"content-type", b"etag", b"location", b"cache-control", b"content-disposition"})
_LEFT_OUT: Final = "pideai_left_out"
_FIRST_REFUSAL: Final = 400
_PARAMETER: Final = Parameter(
    name="Idempotency-Key",
    param_in="header",
    description="Names this request for a day: sent again under it, it is answered as it was.",
    schema=Schema(type=OpenAPIType.STRING, min_length=1, max_length=KEY_MAX_CHARS),
)
_log: Final = get_logger(__name__)


class IdempotencyKeyReused(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The key belongs to another request."""

    code: ClassVar[str] = "idempotency_key_reused"


class RequestUnderWay(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The same request is under way."""

    code: ClassVar[str] = "request_under_way"


class AnswerNotKept(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The request was carried out, but its answer cannot be given again."""

    code: ClassVar[str] = "answer_not_kept"


class Idempotency(ASGIMiddleware):
    """Answers a POST that was answered already. Goes after `Authentication`, whose user it needs."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Carry the request out, or give its kept answer."""
        sent = _key_of(scope)
        answers = None if sent is None else host_state(scope).answers
        if sent is None or answers is None:
            await next_app(scope, receive, send)
            return
        await scope["route_handler"].authorize_connection(ASGIConnection(scope))
        body = await whole_body(receive, API_BODY_MAX_BYTES)
        key = Key(scope["user"].id, _store_of(scope), sent)
        begun = await _begin(answers, key, _hash(scope, body))
        if isinstance(begun, Begun):
            await _give(answers, key, begun, send)
            return
        async with _Renewed(begun):
            answer = _Answer(scope, send, begun)
            await next_app(scope, replayed(body, receive), answer.take)


def describe_keys(router: Router) -> None:
    """Have the API's description tell of the header at every POST below a router."""
    for route in router.routes:
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if "POST" in handler.http_methods:
                handler.operation_class = _KeyedOperation


@dataclass
class _KeyedOperation(Operation):
    """A POST in the description."""

    def __post_init__(self) -> None:
        parameters = list(self.parameters or ())
        if not any(isinstance(one, Parameter) and one.name.lower() == HEADER for one in parameters):
            self.parameters = [*parameters, _PARAMETER]


def keep_out(request: Request[Any, Any, Any], *fields: str) -> None:
    """Have fields of this answer, an object, left out of what is kept of it: secrets that are shown only once."""
    request.scope["state"][_LEFT_OUT] = fields


class _Renewed:
    """Renews a key for as long as its request is under way."""

    def __init__(self, held: Held) -> None:
        self._held = held

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run(), name="idempotency-key")

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(HOLD_S / 3)
            try:
                await self._held.renew()
            except DATABASE_AWAY as error:
                _log.warning("idempotency_key_not_renewed", error=type(error).__name__)


class _Answer:
    """An answer that is kept before the client sees it; one that is too large passes by."""

    def __init__(self, scope: Scope, send: Send, held: Held) -> None:
        self._scope = scope
        self._send = send
        self._held = held
        self._start: Any = None
        self._waiting: list[Message] = []
        self._size_bytes = 0
        self._is_passing = False

    async def take(self, message: Message) -> None:
        """Take a part; to be handed to an application as its `send`."""
        if self._is_passing:
            await self._send(message)
            return
        self._waiting.append(message)
        is_last = False
        if message["type"] == "http.response.start":
            self._start = message
        elif message["type"] == "http.response.body":
            self._size_bytes += len(message["body"])
            is_last = not message["more_body"]
        if is_last or self._size_bytes > ANSWER_MAX_BYTES:
            await self._keep()
            self._is_passing = True
            for one in self._waiting:
                await self._send(one)
            self._waiting.clear()

    async def _keep(self) -> None:
        status = int(self._start["status"])
        try:
            if status >= _FIRST_REFUSAL:
                await self._held.forget()
            else:
                await self._held.keep(KeptAnswer(status, self._headers(), self._body()))
        except DATABASE_AWAY as error:  # the request is carried out all the same
            _log.warning("answer_not_kept", status=status, error=type(error).__name__)

    def _headers(self) -> list[tuple[str, str]]:
        return [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in self._start["headers"]
            if name.lower() in _KEPT_HEADERS
        ]

    def _body(self) -> bytes:
        body = b"".join(one["body"] for one in self._waiting if one["type"] == "http.response.body")
        left_out = self._scope["state"].get(_LEFT_OUT)
        if not left_out:
            return body
        shown = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        return msgspec.json.encode({name: value for name, value in shown.items() if name not in left_out})


async def _begin(answers: KeptAnswers, key: Key, request: bytes) -> Held | Begun:
    """Take a key, or wait a little for the answer of the request that has it.

    Raises:
        IdempotencyKeyReused: that is another request.
        RequestUnderWay: it takes longer.
    """
    looks = round(WAIT_S / LOOK_S)
    for look in range(looks + 1):
        begun = await answers.begin(key, request)
        if isinstance(begun, Held):
            return begun
        if begun is not None and not begun.is_same:
            raise IdempotencyKeyReused(
                "the Idempotency-Key was sent with another request", hint="Give each request a key of its own."
            )
        if begun is not None and begun.status is not None:
            return begun
        if look < looks:
            await asyncio.sleep(LOOK_S)
    raise RequestUnderWay("the same request is under way", hint="Send it again in a moment, under the same key.")


async def _give(answers: KeptAnswers, key: Key, begun: Begun, send: Send) -> None:
    """Give a kept answer.

    Raises:
        AnswerNotKept: it was too large, or is sealed with a key that is gone.
    """
    answer = answers.open(key, begun)
    if answer is None:
        raise AnswerNotKept(
            "the request was carried out, and its answer was not kept", hint="Read what became of it with a GET."
        )
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers += [(b"content-length", str(len(answer.body)).encode()), (REPLAYED_HEADER.encode(), b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def _key_of(scope: Scope) -> str | None:
    """Return the key of a POST, None if there is none.

    Raises:
        HTTPException: there are several, or it has other characters than it may have (400).
    """
    if scope.get("method") != "POST":
        return None
    values = [value for name, value in scope["headers"] if name == HEADER.encode()]
    if not values:
        return None
    key = values[0].decode("latin-1")
    if len(values) > 1 or _KEY.fullmatch(key) is None:
        raise HTTPException(
            status_code=HTTP_400_BAD_REQUEST,
            detail=f"one Idempotency-Key of 1 to {KEY_MAX_CHARS} visible ASCII characters is taken",
        )
    return key


def _store_of(scope: Scope) -> UUID:
    store_id = scope["path_params"].get("store_id", NO_STORE)
    return store_id if isinstance(store_id, UUID) else NO_STORE


def _hash(scope: Scope, body: bytes) -> bytes:
    """Return a hash of what makes a request what it is; no part can run into the next one."""
    address = b"\n".join((b"POST", scope["path"].encode(), scope["query_string"]))
    return hashlib.sha256(hashlib.sha256(address).digest() + body).digest()

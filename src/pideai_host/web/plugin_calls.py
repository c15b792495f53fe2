"""What stands between a request and a plugin's own route: who asks, which installation, and for how long.

All that belongs to the plugin runs as one call within its limits (`HookRunner.call`): its guards, dependencies,
handler and answer. The body is read before the call and the answer is sent after it, so that a slow client costs the
plugin nothing, and an answer that comes late, or not whole, is never seen by half.
"""

from collections.abc import Mapping
from typing import Any, Final, cast
from uuid import UUID

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from msgspec import structs

from pideai_host.api import PideaiError, PluginFault
from pideai_host.events.identity import emitter
from pideai_host.plugins.registry import Hook
from pideai_host.stores.calls import fault_of
from pideai_host.stores.context import HostContext
from pideai_host.web.access import require_access
from pideai_host.web.bodies import replayed, whole_body
from pideai_host.web.limits import API_BODY_MAX_BYTES
from pideai_host.web.plan import require_plan
from pideai_host.web.plugin_headers import RawHeaders, theirs
from pideai_host.web.plugin_refusals import refusal_of
from pideai_host.web.plugin_watch import WATCHED, never, watch
from pideai_host.web.problems import DATABASE_AWAY, Problem, is_known, to_response
from pideai_host.web.state import host_state

ANSWER_MAX_BYTES: Final = 1_048_576
"""An answer is kept whole until it is sent."""

NEEDS_PLAN: Final = "needs_plan"
"""The option of a handler that has, if false, nobody ask whether the store's plan includes the plugin's module."""

CONTEXT_KEY: Final = "pideai_plugin_context"
_USING: Final = frozenset({"POST", "PUT", "PATCH"})
"""What goes on with using a plugin; what shows or removes something is not asked for a plan (docs/adr/0042)."""
_GOOD: Final = range(200, 300)
_STATUSES: Final = range(200, 600)
_REFUSALS: Final = range(400, 500)
_BODILESS: Final = frozenset({204, 304})
_NO_STORE: Final = (b"cache-control", b"no-store")


class PluginCall(ASGIMiddleware):
    """Lets those who may reach a plugin's route reach it, for a store that has it installed and enabled.

    Args:
        slug: The plugin.
    """

    def __init__(self, slug: str) -> None:
        self._slug = slug

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Make the call and send what it answers; a route that is watched is called again and again."""
        await require_access(ASGIConnection(scope), scope["route_handler"])  # guards run too late: inside of the call
        if scope.get("method") in _USING and scope["route_handler"].opt.get(NEEDS_PLAN, True):
            await require_plan(Request(scope), cast("UUID", scope["path_params"]["store_id"]), self._slug)
        body = await whole_body(receive, API_BODY_MAX_BYTES)
        every_s = scope["route_handler"].opt.get(WATCHED)
        if every_s is None:
            answer = await self._call(scope, replayed(body, receive), next_app)
            await answer.give(send)
            return

        async def look() -> Answer:
            return await self._call(scope, replayed(body, never), next_app)

        await watch(scope, receive, send, look=look, every_s=every_s)

    async def _call(self, scope: Scope, receive: Receive, next_app: ASGIApp) -> "Answer":
        """Make one call; a fault of the plugin's is an answer too.

        Raises:
            PideaiError: the store has the plugin not installed, or not enabled.
        """
        calls = host_state(scope).store_calls
        store_id = cast("UUID", scope["path_params"]["store_id"])
        context = await calls.context(store_id, self._slug, emits_as=emitter(store_id, self._slug))
        scope["state"][CONTEXT_KEY] = context
        answer = Answer(self._slug)

        async def run() -> None:
            await next_app(scope, receive, answer.take)

        try:
            await calls.call(_hook_of(self._slug, run), {}, store_id=store_id)
            answer.require_whole()
            if answer.status in _GOOD:
                await host_state(scope).outbox.keep(context)
        except Exception as error:  # noqa: BLE001 - answered here: Litestar holds what the plugin began for sent
            request: Request[Any, Any, Any] = Request(scope, receive)
            answer = Answer(self._slug)
            told = tell_fault(request, error).to_asgi_response(app=None, request=request)
            await told(scope, receive, answer.take)
        return answer


class Answer:
    """A plugin's answer, kept until it is whole."""

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self._parts: list[bytes] = []
        self._size_bytes = 0
        self._is_whole = False

        self._headers: RawHeaders = []
        self.status = 0
        """Its status; 0 as long as it has none."""

    @property
    def body(self) -> bytes:
        """Its body, as far as it came."""
        return b"".join(self._parts)

    async def take(self, message: Message) -> None:
        """Take a part; to be handed to an application as its `send`.

        Raises:
            PluginFault: it is too large, or it cannot be sent.
        """
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self.status not in _STATUSES:
                raise PluginFault(f"{self._slug}: the route answered with status {self.status}", slug=self._slug)
            self._headers = theirs(message["headers"], slug=self._slug)
        elif message["type"] == "http.response.body":
            self._parts.append(message["body"])
            self._size_bytes += len(message["body"])
            self._is_whole = not message["more_body"]
            self._require_size()

    def require_whole(self) -> None:
        """Return if there is something to send.

        Raises:
            PluginFault: it is too large, or not whole.
        """
        self._require_size()
        if not self.status or not self._is_whole:
            raise PluginFault(f"{self._slug}: the route gave no whole answer", slug=self._slug)

    async def give(self, send: Send) -> None:
        """Send it, with the headers that are the plugin's to give."""
        body = b"" if self.status in _BODILESS else self.body
        headers = [*self._headers, _NO_STORE]
        if self.status not in _BODILESS:
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _require_size(self) -> None:
        if self._size_bytes > ANSWER_MAX_BYTES:
            raise PluginFault(f"{self._slug}: the answer has more than {ANSWER_MAX_BYTES} bytes", slug=self._slug)


async def give_context(request: Request[Any, Any, Any]) -> Any:
    """Provide the dependency `context`."""
    return context_of(request.scope)


async def give_config(request: Request[Any, Any, Any]) -> Any:
    """Provide the dependency `config`."""
    return context_of(request.scope).config


DEPENDENCIES: Final[Mapping[str, Provide]] = {"context": Provide(give_context), "config": Provide(give_config)}
"""What a plugin's handlers may ask for by name."""


def context_of(scope: Scope) -> HostContext:
    """Return the context of a request to a plugin's route."""
    return cast("HostContext", scope["state"][CONTEXT_KEY])


def tell_fault(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer what went wrong below a plugin's routes: its own words lose their secrets, its faults all words."""
    context: HostContext | None = request.scope["state"].get(CONTEXT_KEY)
    if context is None:
        return to_response(request, error)
    if isinstance(error, HTTPException):
        error = _told(error, context, request)
    elif isinstance(error, PideaiError) and is_known(error):
        error.message, error.hint = context.redact(error.message) or "", context.redact(error.hint) or ""
    elif not isinstance(error, DATABASE_AWAY):
        error = fault_of(error, context, f"{request.method} {scope_path(request.scope)}")
    response = to_response(request, error)
    if context.opened_secrets:
        faults = [structs.replace(one, message=context.redact(one.message) or "") for one in response.content.faults]
        response.content = structs.replace(response.content, faults=faults)
    return response


def _told(error: HTTPException, context: HostContext, request: Request[Any, Any, Any]) -> Exception:
    """Return a plugin's refusal, Litestar's of what was sent, or that the plugin failed."""
    try:
        refusal = refusal_of(error, context)
    except PluginFault as fault:
        return fault
    if refusal is not None:
        return refusal
    if error.status_code in _REFUSALS:
        error.detail = context.redact(str(error.detail)) or ""
        return error
    return fault_of(error, context, f"{request.method} {scope_path(request.scope)}")


def scope_path(scope: Scope) -> str:
    """Return the path of a route as it was declared, without values."""
    return str(scope.get("path_template") or scope["path"])


def _hook_of(slug: str, run: Any) -> Hook:
    return Hook(slug=slug, name="http_routes", function=run, argnames=(), is_async=True)

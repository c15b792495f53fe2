"""The way of a provider's call to a plugin: whose it is, one `handle_webhook` for each store, the plugin's own answer.

Whoever calls has shown nothing yet: the plugin checks the signature. So nothing is told of what there is and what is
not, and an answer of 2xx means that what the calls left is written (`outbox`).
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pideai_host.api import NotInstalled, PideaiError, PluginFault, WebhookReply, WebhookRequest
from pideai_host.db.pool import Pool
from pideai_host.events.identity import emitter
from pideai_host.events.outbox import Outbox
from pideai_host.plugins.registry import Hook
from pideai_host.stores.calls import PluginDisabled, StoreCalls, fault_of
from pideai_host.stores.context import HostContext
from pideai_host.stores.lookup import HostLookup
from pideai_host.telemetry import PROVIDER_CALLS, get_logger

STORES_MAX: Final = 100
"""That one call may be for."""
AT_ONCE: Final = 8
"""Stores that one call is handled for side by side."""
REPLY_MAX_BYTES: Final = 1_048_576
HEADERS_MAX: Final = 50
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,4000}")
_HOSTS_OWN: Final = frozenset({"content-length", "transfer-encoding", "connection", "x-request-id"})
_GOOD: Final = range(200, 300)

_log: Final = get_logger(__name__)


class WebhookUnknown(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """No such plugin, no such store, or no plugin of it that takes calls: which of them is not told."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("there is nothing at this address")


class WebhookNotTaken(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The call was not dealt with; the provider sends it again."""

    code = "webhook_not_taken"

    def __init__(self) -> None:
        super().__init__("the call could not be dealt with", hint="Send it again later.")


class ProviderWebhooks:
    """Takes providers' calls.

    Args:
        calls: Reach plugins.
        outbox: Keeps what they did.
        pool: For looking for stores.
        environ: The operator's environment.
    """

    def __init__(self, calls: StoreCalls, outbox: Outbox, pool: Pool, environ: Mapping[str, str]) -> None:
        self._calls = calls
        self._outbox = outbox
        self._pool = pool
        self._environ = environ

    async def receive(self, slug: str, request: WebhookRequest, store_id: UUID | None = None) -> WebhookReply:
        """Deal with a call and return what is answered.

        Raises:
            WebhookUnknown: there is nobody to deal with it.
            WebhookNotTaken: it was not dealt with, or what was done could not be kept.
        """
        if slug in self._calls.registry.refused:
            PROVIDER_CALLS.labels(plugin=slug, result="failed").inc()
            raise WebhookNotTaken
        handle = self._calls.registry.hook(slug, "handle_webhook")
        if handle is None:
            raise WebhookUnknown
        try:
            reply = await self._answer(handle, slug, request, store_id)
        except WebhookNotTaken:
            PROVIDER_CALLS.labels(plugin=slug, result="failed").inc()
            raise
        PROVIDER_CALLS.labels(plugin=slug, result="taken" if reply.status in _GOOD else "refused").inc()
        return reply

    async def _answer(self, handle: Hook, slug: str, request: WebhookRequest, store_id: UUID | None) -> WebhookReply:
        stores = [store_id] if store_id is not None else await self._stores_of(slug, request)
        if isinstance(stores, WebhookReply):
            return stores
        contexts = [found for one in stores if (found := await self._context(slug, one)) is not None]
        if not contexts:
            raise WebhookUnknown
        if len(contexts) == 1:
            return await self._handle(handle, request, contexts[0])
        return await self._handle_all(handle, request, contexts)

    async def _stores_of(self, slug: str, request: WebhookRequest) -> Sequence[UUID] | WebhookReply:
        """Ask the plugin whose a call is."""
        route = self._calls.registry.hook(slug, "route_webhook")
        if route is None:
            raise WebhookUnknown
        lookup = HostLookup(self._pool, slug, self._environ)
        try:
            answer = await self._calls.call(route, {"request": request, "lookup": lookup})
            return _checked(slug, answer) if isinstance(answer, WebhookReply) else _stores_in(slug, answer)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises; its words may quote secrets
            said = error.message if isinstance(error, PluginFault) else type(error).__name__
            _log.warning("webhook_not_routed", plugin=slug, error=said)
            raise WebhookNotTaken from None

    async def _context(self, slug: str, store_id: UUID) -> HostContext | None:
        try:
            return await self._calls.context(store_id, slug, emits_as=emitter(store_id, slug))
        except (NotInstalled, PluginDisabled):
            return None

    async def _handle_all(self, handle: Hook, request: WebhookRequest, contexts: list[HostContext]) -> WebhookReply:
        """Handle a call for several stores: all of them are tried, and the first answer that is no 2xx is given."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(context: HostContext) -> WebhookReply:
            async with places:
                return await self._handle(handle, request, context)

        answers = await asyncio.gather(*(one(context) for context in contexts), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        replies = [answer for answer in answers if isinstance(answer, WebhookReply)]
        return next((reply for reply in replies if reply.status not in _GOOD), replies[0])

    async def _handle(self, handle: Hook, request: WebhookRequest, context: HostContext) -> WebhookReply:
        arguments = {"request": request, "config": context.config, "context": context}
        try:
            reply = _checked(context.plugin, await self._calls.call(handle, arguments, store_id=context.store_id))
            if reply.status in _GOOD:
                await self._outbox.keep(context)
        except PideaiError as error:
            context.log.warning("webhook_not_taken", error=error.code, reason=context.redact(error.message))
            raise WebhookNotTaken from None
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the provider sends again
            fault_of(error, context, "handle_webhook")
            raise WebhookNotTaken from None
        return reply


def _stores_in(slug: str, answer: Any) -> list[UUID]:
    if not isinstance(answer, list | tuple | set | frozenset) or not all(isinstance(one, UUID) for one in answer):
        raise PluginFault(f"{slug}: route_webhook returns ids of stores, or a WebhookReply", slug=slug)
    stores = list(dict.fromkeys(answer))
    if len(stores) > STORES_MAX:
        raise PluginFault(f"{slug}: route_webhook returns {len(stores)} stores; at most {STORES_MAX}", slug=slug)
    return stores


def _checked(slug: str, reply: Any) -> WebhookReply:
    """Return a reply that can be sent as it is: nothing held the plugin to the types while it built it.

    Raises:
        PluginFault: it is none.
    """
    if not isinstance(reply, WebhookReply):
        raise PluginFault(f"{slug}: returned {type(reply).__name__}, not WebhookReply", slug=slug)
    fault = next((said for said, is_so in _FAULTS if is_so(reply)), None)
    if fault is not None:
        raise PluginFault(f"{slug}: returned a WebhookReply with {fault}", slug=slug)
    return reply


def _has_bad_headers(reply: WebhookReply) -> bool:
    headers: Any = reply.headers
    if not isinstance(headers, dict) or len(headers) > HEADERS_MAX:
        return True
    return not all(_is_header(name, value) for name, value in headers.items())


def _is_header(name: Any, value: Any) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and _TOKEN.fullmatch(name) is not None
        and _VALUE.fullmatch(value) is not None
        and name.lower() not in _HOSTS_OWN
    )


_FAULTS: Final = (
    ("a status that is none", lambda reply: type(reply.status) is not int or reply.status not in range(200, 600)),
    ("headers that cannot be sent", _has_bad_headers),
    ("a body that is no bytes", lambda reply: type(reply.body) is not bytes),
    (f"a body of more than {REPLY_MAX_BYTES} bytes", lambda reply: len(reply.body) > REPLY_MAX_BYTES),
)
"""What a reply may not have, the first that applies."""

"""An owner tries a plugin out: its hook is called with a sample, within the limits of deliveries, and nothing is kept.

It is the plugin's real hook with the store's real configuration, so a message goes out and a webhook is sent. What is
not real: the event, whose `metadata` says `test`; the credit, which is not taken; the delivery, which is in no log, is
not repeated, and says nothing to the breaker; emitted events, which are counted and not written.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import UUID, uuid4

import msgspec

from pideai_host.api import (
    DeliveryInfo,
    NotInstalled,
    PideaiError,
    PluginEvent,
    PluginUnknown,
    delivered,
    type_of_payload,
)
from pideai_host.db.pool import Pool
from pideai_host.events.dispatch import checked_answer, redacted_result
from pideai_host.events.samples import sample_of
from pideai_host.events.verdict import result_of_error
from pideai_host.outgoing.trace import track_requests
from pideai_host.plugins.declared import DeclaredType
from pideai_host.stores.audit import Action, Line, record
from pideai_host.stores.calls import StoreCalls, TooManyCalls
from pideai_host.stores.context import ContextFactory, HostContext
from pideai_host.stores.installations import Installations

REACHES: Final = ("customerPhone", "customerEmail", "phone", "email")
"""Where a sample names somebody who could be reached: left out, unless the owner says whom to reach."""

RESPONSE_MAX_CHARS: Final = 2_000


class EventTypeUnknown(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """No such event type, or none that the plugin subscribes to."""

    code: ClassVar[str] = "event_type_unknown"


class SampleRejected(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """What is wanted otherwise of a sample makes it no payload of its type."""

    code: ClassVar[str] = "sample_rejected"


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; see `pideai_host.api.PluginEventResult`."""

    delivery_id: UUID
    event_type: str
    payload: dict[str, Any]
    outcome: str
    error: str | None
    response_code: int | None
    response_body: str | None
    data: Any
    duration_ms: int
    emitted: list[str]


class TryOut:
    """Calls plugins with samples.

    Args:
        pool: Runtime connections.
        calls: Calls them within limits.
        contexts: Makes what they are given.
        installations: Where a store's are read; a disabled one can be tried out too.
    """

    def __init__(self, pool: Pool, calls: StoreCalls, contexts: ContextFactory, installations: Installations) -> None:
        self._pool = pool
        self._calls = calls
        self._contexts = contexts
        self._installations = installations

    async def send(self, store_id: UUID, slug: str, event_type: str, otherwise: Mapping[str, Any]) -> Tried:
        """Call a plugin's `handle_event` with a sample, and say what it answered.

        Args:
            store_id: Whose installation.
            slug: The plugin.
            event_type: One that it subscribes to.
            otherwise: Fields of the payload that are to be other than the sample's.

        Raises:
            PluginUnknown: it is not loaded.
            NotInstalled: the store does not have it.
            EventTypeUnknown: it does not subscribe to the type.
            SampleRejected: the payload is none.
            TooManyCalls: too many calls run at once.
        """
        definition = self._calls.registry.definitions.get(slug)
        if definition is None:
            raise PluginUnknown(slug)
        stored = await self._installations.find(store_id, slug)
        if stored is None:
            raise NotInstalled(slug)
        if event_type not in definition.subscribed_events:
            told = ", ".join(definition.subscribed_events) or "none"
            raise EventTypeUnknown(f"{slug!r} does not subscribe to {event_type!r}", hint=f"It subscribes to {told}.")
        declared = self._calls.registry.event_types
        sample = sample_of(event_type, declared)
        shown = sample | dict.fromkeys(set(sample) & set(REACHES)) | dict(otherwise)
        event = PluginEvent(
            id=uuid4(),
            type=event_type,
            store_id=store_id,
            timestamp=datetime.now(UTC),
            payload=_payload(event_type, shown, declared.get(event_type)),
            metadata={"source": "test", "test": True},
        )
        delivery = DeliveryInfo(id=uuid4(), attempt=1)
        await self._record(store_id, slug, event_type, delivery.id)
        context = self._contexts.make(stored, delivery, is_test=True)
        hook = self._calls.registry.hook(slug, "handle_event")
        began_s = time.monotonic()
        with track_requests() as requests:
            try:
                arguments = {"event": event, "config": context.config, "context": context}
                answer = delivered() if hook is None else await self._calls.call(hook, arguments, store_id=store_id)
            except TooManyCalls:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is what came of it
                result = redacted_result(result_of_error(error, request_left=requests.in_flight), context)
            else:
                result = checked_answer(answer, context)
        body = result.response_body
        return Tried(
            delivery_id=delivery.id,
            event_type=event_type,
            payload=shown,
            outcome=result.resolved.value,
            error=result.error,
            response_code=result.response_code,
            response_body=None if body is None else body[:RESPONSE_MAX_CHARS],
            data=_json(result.data, context),
            duration_ms=round((time.monotonic() - began_s) * 1_000),
            emitted=[one.type for one in context.emitted],
        )

    async def _record(self, store_id: UUID, slug: str, event_type: str, delivery_id: UUID) -> None:
        line = Line(action=Action.TESTED, plugin=slug, subject=str(delivery_id), detail={"event_type": event_type})
        async with self._pool.connection() as connection:
            await record(connection, store_id, [line])


def _payload(event_type: str, shown: dict[str, Any], declared: DeclaredType | None) -> msgspec.Struct | dict[str, Any]:
    struct = type_of_payload.get(event_type)
    if struct is None:
        misfit = None if declared is None else declared.fault(shown)
        if misfit is not None:
            raise SampleRejected(f"the payload is none of {event_type}: {misfit}")
        return shown
    try:
        return msgspec.json.decode(msgspec.json.encode(shown), type=struct)
    except msgspec.ValidationError as error:
        raise SampleRejected(f"the payload is none of {event_type}: {error}") from None


def _json(data: Any, context: HostContext) -> Any:
    try:
        return msgspec.json.decode(context.redact(msgspec.json.encode(data).decode()) or "null")
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None

"""What the endpoints of event types and of trying out take and show."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from pideai_host.api import EventType, type_of_payload
from pideai_host.events.samples import sample_of, schema_of
from pideai_host.events.try_out import Tried
from pideai_host.plugins.registry import Registry
from pideai_host.web.docstrings import say_docstring
from pideai_host.web.structs import structs_within

_Type = Annotated[str, Meta(min_length=1, max_length=100, examples=["order.created"])]


class EventTypeOut(msgspec.Struct, frozen=True, kw_only=True):
    """A type of events."""

    type: str
    is_builtin: Annotated[bool, Meta(description="One of the host's own; else a plugin added it.")]
    plugins: Annotated[list[str], Meta(description="Loaded plugins that subscribe to it, by slug.")]
    payload_schema: Annotated[
        dict[str, Any], Meta(description="JSON Schema 2020-12 of its payload, as webhooks send it.")
    ]
    sample: Annotated[dict[str, Any], Meta(description="A payload of it.")]


class EventTypeList(msgspec.Struct, frozen=True):
    """All types of events, the host's own first."""

    items: list[EventTypeOut]


class TestIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try a plugin out with."""

    event_type: Annotated[_Type, Meta(description="One that the plugin subscribes to.")]
    payload: Annotated[
        dict[str, Any],
        Meta(
            description="Fields that are to be other than the sample's, in camelCase. Its phones and mail addresses are"
            " left out: say whom to reach."
        ),
    ] = {}


class TestOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the plugin answered to a sample."""

    delivery_id: Annotated[UUID, Meta(description="What the plugin was told; it is in no log.")]
    event_type: str
    payload: Annotated[dict[str, Any], Meta(description="What it was called with.")]
    outcome: Annotated[str, Meta(examples=["delivered", "sent", "retry", "wait", "failed", "unknown"])]
    error: str | None
    response_code: int | None
    response_body: str | None
    data: Annotated[Any, Meta(description="Small facts of the outcome.")]
    duration_ms: int
    emitted: Annotated[list[str], Meta(description="Types of the events that it would have emitted.")]

    @classmethod
    def of(cls, tried: Tried) -> "TestOut":
        """Show what came of it."""
        return msgspec.convert(tried, cls, from_attributes=True)


def event_types(registry: Registry) -> Sequence[str]:
    """Return the host's own types, and those that loaded plugins declare or subscribe to beyond them."""
    subscribed = {one for definition in registry.definitions.values() for one in definition.subscribed_events}
    return [*[one.value for one in EventType], *sorted((subscribed | set(registry.event_types)) - set(EventType))]


def event_type_out(registry: Registry, event_type: str) -> EventTypeOut:
    """Show a type."""
    takers = [slug for slug, one in registry.definitions.items() if event_type in one.subscribed_events]
    return EventTypeOut(
        type=event_type,
        is_builtin=event_type in set(EventType),
        plugins=sorted(takers),
        payload_schema=_told(event_type, registry),
        sample=sample_of(event_type, registry.event_types),
    )


def _told(event_type: str, registry: Registry) -> dict[str, Any]:
    """Return a payload's schema, with what docstrings say of fields at the fields."""
    schema = schema_of(event_type, registry.event_types)
    kinds = schema.get("$defs", {})
    for struct in structs_within([kind for kind in [type_of_payload.get(event_type)] if kind is not None]):
        if struct.__name__ in kinds:
            kinds[struct.__name__].pop("description", None)
            say_docstring(struct, kinds[struct.__name__])
    return schema

"""The event types that plugins declare: asked for once, checked, each plugin's apart."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pideai_host.api import EventType, PluginEventType, PluginFault
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.declared import DeclaredType
from pideai_host.plugins.definition_rules import is_event_type, schema_faults
from pideai_host.plugins.records import Phase
from pideai_host.plugins.refusals import Refusals
from pideai_host.plugins.registry import Registry

TYPES_MAX: Final = 100
"""Of one plugin."""


def with_event_types(registry: Registry) -> Registry:
    """Return the registry with the event types that its plugins declare; blocking, never raises.

    A plugin whose declarations do not fit goes on without them: its types are taken as any object. What two declare
    belongs to the first one in the order of the catalogue.
    """
    found: dict[str, DeclaredType] = {}
    refusals = Refusals(Phase.EVENT_TYPES)
    for hook in registry.hooks("event_sources"):
        with refusals.caught(hook.slug):
            found |= {one.type: one for one in checked_types(hook.slug, contributed(hook), found)}
    return refusals.noted(registry.with_event_types(found))


def checked_types(slug: str, declared: Any, taken: Mapping[str, DeclaredType]) -> list[DeclaredType]:
    """Return the event types that a plugin declares.

    Raises:
        PluginFault: they are none that can be taken; the message says what to do.
    """
    if not isinstance(declared, list | tuple) or not all(isinstance(one, PluginEventType) for one in declared):
        raise PluginFault(f"{slug}: event_sources returns a list of PluginEventType, and nothing else", slug=slug)
    if len(declared) > TYPES_MAX:
        raise PluginFault(f"{slug}: {len(declared)} event types; at most {TYPES_MAX} are taken", slug=slug)
    faults = [fault for one in declared for fault in _faults(slug, one, taken)]
    if faults:
        raise PluginFault(f"{slug}: " + "; ".join(faults), slug=slug)
    return [DeclaredType(slug, one) for one in declared]


def _faults(slug: str, one: PluginEventType, taken: Mapping[str, DeclaredType]) -> Iterator[str]:
    if not is_event_type(one.type):
        yield f"event type {one.type!r} is no dotted lower-case name such as 'courier.late'; correct it"
        return
    if one.type in set(EventType):
        yield f"{one.type} is one of the host's own types; leave it out"
    if one.type in taken:
        yield f"{one.type} is declared by {taken[one.type].slug} already; leave it out"
    faults = list(schema_faults(f"the payload_schema of {one.type}", one.payload_schema))
    yield from faults
    if not faults:
        misfit = DeclaredType(slug, one).fault(msgspec.to_builtins(one.sample))
        if misfit is not None:
            yield f"the sample of {one.type} does not fit its payload_schema: {misfit}"

"""The event types that plugins declare: asked for once, checked, each plugin's apart."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pideai_host.api import EventType, PluginEventType, PluginFault
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.declared import DeclaredType
from pideai_host.plugins.definition_rules import is_event_type, schema_faults
from pideai_host.plugins.records import LoadRecord, Phase, Status, describe, format_traceback
from pideai_host.plugins.registry import Registry
from pideai_host.telemetry import get_logger

TYPES_MAX: Final = 100
"""Of one plugin."""

_log: Final = get_logger(__name__)


def with_event_types(registry: Registry) -> Registry:
    """Return the registry with the event types that its plugins declare; blocking, never raises.

    A plugin whose declarations do not fit goes on without them: its types are taken as any object. What two declare
    belongs to the first one in the order of the catalogue.
    """
    found: dict[str, DeclaredType] = {}
    refusals: dict[str, Exception] = {}
    for hook in registry.hooks("event_sources"):
        try:
            found |= {one.type: one for one in checked_types(hook.slug, contributed(hook), found)}
        except Exception as error:  # noqa: BLE001 - whatever a plugin brings, the others' types are taken
            refusals[hook.slug] = error
            _log.warning("plugin_event_types_refused", plugin=hook.slug, error=describe(error))
    return registry.with_event_types(found).with_records(_noted(one, refusals) for one in registry.records)


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


def _noted(record: LoadRecord, refusals: Mapping[str, Exception]) -> LoadRecord:
    error = refusals.get(record.slug)
    if error is None or record.status is not Status.READY:
        return record
    is_ours = isinstance(error, PluginFault)
    return msgspec.structs.replace(
        record,
        phase=Phase.EVENT_TYPES,
        status=Status.PARTIAL,
        error=f"its event types are refused: {error.message if isinstance(error, PluginFault) else describe(error)}",
        traceback=None if is_ours else format_traceback(error),
    )

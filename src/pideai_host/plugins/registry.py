"""The loaded plugins and their hooks: pluggy holds and validates them, an immutable index answers look-ups."""

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import copy
from types import MappingProxyType
from typing import Any, Final

import msgspec
import pluggy

from pideai_host.api.definition import PluginDefinition
from pideai_host.api.hooks import HOOK_NAMES, PROJECT, PluginSpec
from pideai_host.plugins import catalog
from pideai_host.plugins.checks import check
from pideai_host.plugins.declared import DeclaredType
from pideai_host.plugins.loader import load
from pideai_host.plugins.records import LoadRecord, Status
from pideai_host.telemetry import get_logger

_log: Final = get_logger(__name__)


class Hook(msgspec.Struct, frozen=True, kw_only=True):
    """One plugin's implementation of one hook, ready for `plugins.call`.

    Attributes:
        argnames: The arguments that it takes, in order: any subset of the hook's.
        is_async: True for ``async def``; a plain function is run in a thread.
    """

    slug: str
    name: str
    function: Callable[..., Any]
    argnames: tuple[str, ...]
    is_async: bool


class Registry:
    """What was loaded, by slug; never changes after it is built, so it can be shared by all tasks.

    Attributes:
        definitions: Slug -> definition of every plugin that is ready, in the order of the catalogue.
        records: One per candidate, the broken ones included, in the order of the catalogue.
        event_types: Those that the plugins declared, by name; none before they were asked (`plugins.event_types`).
        refused: Slugs of those that were loaded, and turned out to be unusable in this process.
    """

    definitions: Mapping[str, PluginDefinition]
    records: tuple[LoadRecord, ...]

    def __init__(
        self,
        manager: pluggy.PluginManager,
        definitions: Mapping[str, PluginDefinition],
        records: Iterable[LoadRecord] = (),
    ) -> None:
        self.definitions = MappingProxyType(dict(definitions))
        self.records = tuple(records)
        self.event_types: Mapping[str, DeclaredType] = MappingProxyType({})
        self.refused: frozenset[str] = frozenset()
        self._hooks = _index(manager, self.definitions)

    @classmethod
    def of(cls, plugins: Mapping[str, object]) -> "Registry":
        """Build a registry of instances that no distribution brings, by slug: for tests and for trying a plugin out.

        Raises:
            Refused: an instance does not pass its checks.
        """
        manager = new_manager()
        definitions = {slug: check(slug, plugin) for slug, plugin in plugins.items()}
        for slug, plugin in plugins.items():
            manager.register(plugin, name=slug)
        return cls(manager, definitions)

    def with_event_types(self, declared: Mapping[str, DeclaredType]) -> "Registry":
        """Return the same plugins with the event types that they declared."""
        other = copy(self)
        other.event_types = MappingProxyType(dict(declared))
        return other

    def with_records(self, records: Iterable[LoadRecord]) -> "Registry":
        """Return the same plugins with other records: what became of them after they were loaded."""
        other = copy(self)
        other.records = tuple(records)
        return other

    def without(self, refused: Mapping[str, Callable[[LoadRecord], LoadRecord]]) -> "Registry":
        """Return the plugins but for some that turned out to be unusable.

        Args:
            refused: Slug -> what makes of the plugin's record one that says why.
        """
        if not refused:
            return self
        other = copy(self)
        other.refused = self.refused | refused.keys()
        other.definitions = MappingProxyType({k: v for k, v in self.definitions.items() if k not in refused})
        other._hooks = MappingProxyType({k: v for k, v in self._hooks.items() if k not in refused})  # noqa: SLF001 - ours
        other.records = tuple(refused[one.slug](one) if _is_loaded(one, refused) else one for one in self.records)
        return other

    def hook(self, slug: str, name: str) -> Hook | None:
        """Return a plugin's implementation of a hook, or None when it has none or is not loaded."""
        return self._hooks.get(slug, _NONE).get(name)

    def hooks(self, name: str) -> tuple[Hook, ...]:
        """Return every plugin's implementation of a hook, in the order of the catalogue."""
        return tuple(hooks[name] for hooks in self._hooks.values() if name in hooks)


def _is_loaded(record: LoadRecord, slugs: Collection[str]) -> bool:
    return record.slug in slugs and record.status in (Status.READY, Status.PARTIAL)


_NONE: Final[Mapping[str, Hook]] = MappingProxyType({})


def load_registry(selection: Collection[str] | None = None, paths: Sequence[str] | None = None) -> Registry:
    """Find, import, check and register the installed plugins; slow and blocking, meant for the start of a process.

    Args:
        selection: Slugs to load; None for all, empty for none.
        paths: Folders with distributions, in order of preference; None for `sys.path`.
    """
    found = catalog.find(selection, paths)
    manager = new_manager()
    loaded = [load(candidate, manager) for candidate in found.candidates]
    definitions = {one.record.slug: one.definition for one in loaded if one.definition is not None}
    records = sorted((*found.refused, *(one.record for one in loaded)), key=catalog.record_order)
    for record in found.refused:
        if record.status is not Status.SKIPPED:
            _log.warning("plugin_refused", plugin=record.slug, phase=record.phase, error=record.error)
    _log.info(
        "plugins_loaded",
        ready=list(definitions),
        refused=[record.slug for record in records if record.status not in (Status.READY, Status.SKIPPED)],
    )
    return Registry(manager, definitions, records)


def new_manager() -> pluggy.PluginManager:
    """Return a pluggy manager of its own that knows the hooks of the contract."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(PluginSpec)
    return manager


def _index(manager: pluggy.PluginManager, slugs: Iterable[str]) -> Mapping[str, Mapping[str, Hook]]:
    hooks: dict[str, dict[str, Hook]] = {slug: {} for slug in slugs}
    for name in HOOK_NAMES:
        for found in getattr(manager.hook, name).get_hookimpls():
            hooks[found.plugin_name][name] = Hook(
                slug=found.plugin_name,
                name=name,
                function=found.function,
                argnames=(*found.argnames, *found.kwargnames),
                is_async=inspect.iscoroutinefunction(inspect.unwrap(found.function)),
            )
    return MappingProxyType({slug: MappingProxyType(by_name) for slug, by_name in hooks.items()})

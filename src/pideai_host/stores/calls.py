"""Calls of a plugin for one store outside of deliveries: by its own routes, and by its providers' webhooks."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, Final
from uuid import UUID

from pideai_host.api import NotInstalled, PideaiError, PluginFault, StoreProblem
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Hook, Registry
from pideai_host.stores.context import ContextFactory, HostContext
from pideai_host.stores.installations import Installations
from pideai_host.stores.versions import require_current

CALL_MAX_S: Final = 30.0
"""Somebody waits for the answer: a plugin may want less time than this, never more."""

AT_ONCE: Final = 64
"""Calls of one hook of a plugin in one process: providers that call in thousands leave owners' routes their places."""

AT_ONCE_FOR_STORE: Final = 16
"""Of these, for one store."""


class PluginDisabled(StoreProblem):
    """The store has switched the plugin off."""

    code: ClassVar[str] = "plugin_disabled"

    def __init__(self, slug: str) -> None:
        super().__init__(f"the store has disabled {slug!r}", hint="Enable it first.")
        self.slug = slug


class TooManyCalls(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """As many calls of the plugin run already as may."""

    code = "too_many_requests"


class StoreCalls:
    """Lets requests from outside reach plugins, within limits.

    Args:
        registry: The loaded plugins.
        runner: Calls them.
        contexts: Makes what they are given.
        installations: Where a store's are read.
        quarantined: Slug -> why, of the plugins that this process does no work for; looked at again and again.
    """

    def __init__(
        self,
        registry: Registry,
        runner: HookRunner,
        contexts: ContextFactory,
        installations: Installations,
        *,
        quarantined: Mapping[str, str],
    ) -> None:
        self.registry = registry
        self._runner = runner
        self._contexts = contexts
        self._installations = installations
        self._quarantined = quarantined
        self._of_hook: Counter[tuple[str, str]] = Counter()
        self._of_store: Counter[tuple[str, str, UUID]] = Counter()

    async def context(self, store_id: UUID, slug: str, *, emits_as: UUID | None = None) -> HostContext:
        """Return what a call of a plugin is given, read now.

        Args:
            store_id: Whose installation.
            slug: The plugin.
            emits_as: What the ids of emitted events are derived from, None if the call may emit nothing.

        Raises:
            PluginFault: this process has refused the plugin since it was loaded.
            NotInstalled: the store does not have it.
            PluginDisabled: it has, and has disabled it.
            ConfigNotCurrent: its configuration is of another version than the plugin wants.
        """
        definition = self.registry.definitions.get(slug)
        if definition is None:
            raise PluginFault(f"{slug}: it cannot be used now", slug=slug, hint="The host's readiness tells why.")
        stored = await self._installations.find(store_id, slug)
        if stored is None:
            raise NotInstalled(slug)
        if not stored.enabled:
            raise PluginDisabled(slug)
        require_current(stored, definition)
        return self._contexts.make(stored, None, emits_as=emits_as)

    def limit_s(self, slug: str) -> float:
        """Return how long a call of a loaded plugin may take."""
        return min(self.registry.definitions[slug].limits.timeout_s, CALL_MAX_S)

    async def call(self, hook: Hook, arguments: Mapping[str, Any], *, store_id: UUID | None = None) -> Any:
        """Call something of a plugin within the limits of this module and of `HookRunner.call`.

        Raises:
            TooManyCalls: too many run at once, of this hook of the plugin, or of it for the store.
            PluginFault: the plugin is quarantined in this process; or what `HookRunner.call` says.
            Exception: whatever the plugin raised.
        """
        why = self._quarantined.get(hook.slug)
        if why is not None:
            raise PluginFault(f"{hook.slug}: quarantined: {why}", slug=hook.slug, hint="A restart lifts it.")
        with self._place(hook, store_id):
            return await self._runner.call(hook, arguments, limit_s=self.limit_s(hook.slug))

    @contextmanager
    def _place(self, hook: Hook, store_id: UUID | None) -> Iterator[None]:
        """Take a place among the calls that run."""
        of_hook = (hook.slug, hook.name)
        of_store = None if store_id is None else (hook.slug, hook.name, store_id)
        if self._of_hook[of_hook] >= AT_ONCE or (of_store and self._of_store[of_store] >= AT_ONCE_FOR_STORE):
            raise TooManyCalls(f"too many calls of {hook.slug!r} run", hint="Try again in a moment.")
        self._of_hook[of_hook] += 1
        if of_store is not None:
            self._of_store[of_store] += 1
        try:
            yield
        finally:
            self._of_hook[of_hook] -= 1
            if of_store is not None:
                self._of_store[of_store] -= 1
                if not self._of_store[of_store]:
                    del self._of_store[of_store]


def fault_of(error: Exception, context: HostContext, what: str) -> PluginFault:
    """Say in one line, and without its words, what a plugin raised; the words go into the log, without secrets."""
    context.log.warning("hook_raised", hook=what, error=type(error).__name__, said=context.redact(str(error)))
    return PluginFault(
        f"{context.plugin}: {what} raised {type(error).__name__}",
        slug=context.plugin,
        hint="The host's log tells what it said.",
    )

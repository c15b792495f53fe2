"""Call a plugin's lifecycle hooks for one store: ask where it may refuse, tell where it may not."""

import math
from typing import Any, Final

from pideai_host.api import ConfigRejected, PideaiError, PluginFault, PluginSignal
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import StoredInstallation
from pideai_host.telemetry import get_logger

_log: Final = get_logger(__name__)


class LifecycleHooks:
    """The hooks of all loaded plugins; one that a plugin does not have, or a plugin that is not loaded, accepts."""

    def __init__(self, registry: Registry, runner: HookRunner, contexts: ContextFactory) -> None:
        self._registry = registry
        self._runner = runner
        self._contexts = contexts

    def has(self, slug: str, *names: str) -> bool:
        """Tell whether a plugin is loaded and has any of some hooks."""
        return any(self._registry.hook(slug, name) is not None for name in names)

    async def ask(self, installation: StoredInstallation, name: str, *, limit_s: float = math.inf) -> Any:
        """Call a hook with the installation as it will be, for at most `limit_s` and what its plugin allows.

        Raises:
            ConfigRejected: the plugin refuses; without the secrets it was given.
            PluginSignal: it refuses otherwise.
            PluginFault: it failed or took too long; what it raised is in the log only, since it may quote anything.
        """
        hook = self._registry.hook(installation.slug, name)
        if hook is None:
            return None
        limit_s = min(limit_s, self._registry.definitions[installation.slug].limits.timeout_s)
        context = self._contexts.make(installation, None)
        arguments = {"store_id": installation.store_id, "config": context.config, "context": context}
        try:
            return await self._runner.call(hook, arguments, limit_s=limit_s)
        except ConfigRejected as rejected:
            raise ConfigRejected({at: context.redact(why) or "" for at, why in rejected.faults.items()}) from None
        except (PluginSignal, PluginFault) as problem:
            problem.message, problem.hint = context.redact(problem.message) or "", context.redact(problem.hint) or ""
            raise
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and the store's owner learns of it
            context.log.warning("hook_raised", hook=name, error=type(error).__name__, said=context.redact(str(error)))
            raise PluginFault(
                f"{installation.slug}: {name} raised {type(error).__name__}",
                slug=installation.slug,
                hint="The host's log tells what it said.",
            ) from None

    async def tell(self, installation: StoredInstallation, name: str, *, limit_s: float = math.inf) -> None:
        """Call a hook that cannot stop anything: whatever becomes of it is logged."""
        try:
            await self.ask(installation, name, limit_s=limit_s)
        except PideaiError as problem:
            _log.warning(
                "hook_refused",
                hook=name,
                store_id=str(installation.store_id),
                plugin=installation.slug,
                error=problem.message,
            )

"""What the host has against a plugin: the checks of its start, for a test of the plugin's own."""

from pideai_host.api import PluginFault
from pideai_host.plugins.checks import Refused
from pideai_host.plugins.commands import checked_commands
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.event_types import checked_types
from pideai_host.plugins.jobs import checked_jobs
from pideai_host.plugins.migrations import read_migrations
from pideai_host.plugins.records import describe
from pideai_host.plugins.registry import Hook, Registry
from pideai_host.web.plugin_routes import tried_routes


def faults_of(slug: str, plugin: object) -> list[str]:
    """Return what is wrong with a plugin, each in one line; empty when a host takes all of it.

    Asks it for all that it contributes while a host starts: definition, event types, routes, jobs, commands and
    migrations. Needs neither a database nor an installed distribution.

    Args:
        slug: The entry point's name.
        plugin: What the entry point names.
    """
    try:
        registry = Registry.of({slug: plugin})
    except Refused as refused:
        return [fault.message for fault in refused.faults]
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises
        return [f"plugin_definition raised {describe(error)}"]
    faults = [str(error) for error in read_migrations(registry).faults.values()]
    for name in ("event_sources", "http_routes", "jobs", "cli_commands"):
        hook = registry.hook(slug, name)
        if hook is not None:
            faults += _tried(hook, registry)
    return faults


def _tried(hook: Hook, registry: Registry) -> list[str]:
    try:
        if hook.name == "http_routes":
            tried_routes(hook, registry.definitions[hook.slug])
        elif hook.name == "event_sources":
            checked_types(hook.slug, contributed(hook), {})
        elif hook.name == "jobs":
            checked_jobs(hook.slug, contributed(hook))
        else:
            checked_commands(hook.slug, contributed(hook))
    except PluginFault as fault:
        return [fault.message]
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises
        return [f"{hook.name} raised {describe(error)}"]
    return []

"""`pideai-host SLUG …`: the commands of an installed plugin, found and imported only when they are asked for."""

import sys
from contextlib import redirect_stdout
from typing import Any

import click as plain_click
import rich_click as click

from pideai_host import telemetry
from pideai_host.api import PluginFault, slug_fault
from pideai_host.cli.plugin_context import HostCommand
from pideai_host.plugins import catalog
from pideai_host.plugins.commands import checked_commands
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.records import Status, describe
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings


def find_plugin(slug: str) -> click.Command | None:
    """Return what stands for an installed plugin's commands, None where none is installed; imports no plugin."""
    if slug_fault(slug) is not None:
        return None
    found = catalog.find(frozenset({slug}))
    is_there = any(one.slug == slug for one in found.candidates) or any(
        one.slug == slug and one.distribution for one in found.refused
    )
    return _PluginStub(name=slug) if is_there else None


class _PluginStub(click.RichGroup):
    """Becomes the group of a plugin's commands when it is called."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: plain_click.Context | None = None, **extra: Any
    ) -> plain_click.Context:
        group, registry = load_commands(self.name or "")
        command = HostCommand(self.name or "", registry)
        return group.make_context(info_name, args, parent=parent, **{**extra, "obj": command})


def load_commands(slug: str) -> tuple[click.RichGroup, Registry]:
    """Import a plugin and return its commands as a group, and a registry that has nothing but this plugin.

    Raises:
        PluginFault: it cannot be loaded, has no commands, or none that can be run.
    """
    settings = Settings.from_env()
    telemetry.set_up(level="error", log_format=settings.log_format)  # what goes wrong here is told as an error
    if settings.plugins is not None and slug not in settings.plugins:
        raise PluginFault(f"plugin {slug} is not named in PIDEAI_PLUGINS", slug=slug)
    with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the output
        registry = load_registry(frozenset({slug}))
        definition = registry.definitions.get(slug)
        if definition is None:
            raise _not_loaded(slug, registry)
        hook = registry.hook(slug, "cli_commands")
        if hook is None:
            raise PluginFault(f"plugin {slug} has no commands", slug=slug)
        try:
            commands = checked_commands(slug, contributed(hook))
        except PluginFault:
            raise
        except Exception as error:
            raise PluginFault(f"plugin {slug}: cli_commands raised {describe(error)}", slug=slug) from error
    group = click.RichGroup(name=slug, help=f"Commands of the plugin {definition.name}, {definition.version}.")
    for one in commands:
        group.add_command(one)
    return group, registry


def _not_loaded(slug: str, registry: Registry) -> PluginFault:
    why = next((one.error for one in registry.records if one.slug == slug and one.status is not Status.SKIPPED), "")
    return PluginFault(f"plugin {slug} cannot be used: {why}", slug=slug, hint="See `pideai-host plugins list`.")

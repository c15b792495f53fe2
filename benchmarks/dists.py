"""Plugins as pip would leave them in a folder: found by their entry points once the folder is on the path."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

QUIET: Final = """
from pideai_host.api import PluginDefinition, PluginType, delivered, hookimpl


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="{slug}",
            name="{slug}",
            version="1.0",
            type=PluginType.INTEGRATION,
            subscribed_events=("{event}",),
        )

    @hookimpl
    async def handle_event(self, event, config, context):
        return delivered()


plugin = Plugin()
"""
RAISING: Final = QUIET.replace("return delivered()", 'raise RuntimeError("as always")')


def make(folder: Path, slugs: Iterable[str], *, event: str = "order.created", module: str = QUIET) -> None:
    """Install plugins into a folder.

    Args:
        folder: Goes on the path of the processes that are to find them (`path_with`).
        slugs: One plugin each.
        event: What they subscribe to.
        module: Their code.
    """
    for slug in slugs:
        name = slug.replace("-", "_")
        (folder / f"{name}.py").write_text(module.format(slug=slug, event=event))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {slug}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[pideai.plugins]\n{slug} = {name}:plugin\n")


def numbered(count: int) -> list[str]:
    """Name so many plugins."""
    return [f"bench-{number}" for number in range(count)]


def path_with(folder: Path) -> str:
    """Return the PYTHONPATH of a process that is to find a folder's plugins."""
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))

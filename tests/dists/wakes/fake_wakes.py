"""Notes when its process begins and ends, in the file that the environment names."""

import os
from pathlib import Path

from pideai_host.api import PluginDefinition, PluginType, hookimpl


def note(word):
    with Path(os.environ["FAKE_WAKES_NOTES"]).open("a") as notes:
        notes.write(f"{word}\n")


class Plugin:
    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="wakes", name="wakes", version="1.0", type=PluginType.NOTIFICATION, subscribed_events=("order.created",)
        )

    @hookimpl
    async def handle_event(self, event):
        return None

    @hookimpl
    async def on_startup(self):
        note("wakes")

    @hookimpl
    def on_shutdown(self):
        note("rests")


plugin = Plugin()

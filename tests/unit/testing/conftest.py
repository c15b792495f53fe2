"""A plugin made of functions, as a plugin author would write it."""

from typing import Any

import pytest

from pideai_host.api import PluginDefinition, PluginType, hookimpl


@pytest.fixture
def make():
    """Return an instance of a plugin class ``sample`` with such methods."""

    def plugin_definition(self: Any) -> PluginDefinition:
        return PluginDefinition(
            slug="sample", name="Sample", version="1.0", type=PluginType.NOTIFICATION, subscribed_events=()
        )

    return lambda **methods: type("Plugin", (), {"plugin_definition": hookimpl(plugin_definition), **methods})()

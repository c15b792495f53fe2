"""Which plugins' lanes a worker serves."""

import pytest

from pideai_host.api import ConfigurationError, PluginDefinition, PluginType, hookimpl
from pideai_host.plugins.registry import Registry
from pideai_host.web.engine import served


class Quiet:
    """A plugin that handles no events."""

    def __init__(self, slug: str) -> None:
        self._slug = slug

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug=self._slug, name="Any", version="1", type=PluginType.ANALYTICS, subscribed_events=()
        )


class Handling(Quiet):
    @hookimpl
    async def handle_event(self) -> None:
        return None


@pytest.fixture
def registry() -> Registry:
    return Registry.of({"one": Handling("one"), "two": Handling("two"), "quiet": Quiet("quiet")})


def test_all_that_handle_events_are_served(registry):
    assert set(served(registry)) == {"one", "two"}


def test_only_those_named_are_served(registry):
    assert set(served(registry, ("two", "quiet"))) == {"two"}


def test_a_plugin_that_is_not_loaded_cannot_be_served(registry):
    with pytest.raises(ConfigurationError, match=r"^no plugin nope is loaded$") as caught:
        served(registry, ("one", "nope"))

    assert caught.value.hint.startswith("Loaded: one, two, quiet.")

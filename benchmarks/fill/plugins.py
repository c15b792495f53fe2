"""Plugins in the catalogue, with their lanes, that no process has loaded."""

from collections.abc import Iterable

from benchmarks.places import Place
from pideai_host.api import PluginDefinition, PluginType
from pideai_host.stores.catalogue import sync_catalogue


async def add_plugins(place: Place, slugs: Iterable[str], *, event: str) -> None:
    """Make plugins that subscribe to one type of event."""
    definitions = [
        PluginDefinition(slug=slug, name=slug, version="1.0", type=PluginType.INTEGRATION, subscribed_events=(event,))
        for slug in slugs
    ]
    await sync_catalogue(place.connection, definitions)

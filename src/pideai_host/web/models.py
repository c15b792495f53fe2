"""What the catalogue's endpoints show; what installations take and show is `pideai_host.stores.wire`."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from pideai_host.api import PluginType
from pideai_host.stores.catalogue import CatalogueEntry
from pideai_host.stores.wire import InstallIn, InstallOut


class PluginOut(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin of the catalogue."""

    slug: Annotated[str, Meta(description="The plugin's name in addresses.", examples=["whatsapp"])]
    name: str
    description: str | None
    type: PluginType
    version: str | None
    icon_url: str | None
    pricing_model: str
    module: Annotated[str | None, Meta(description="Module of the store's plan that it needs.")]
    required_events: Annotated[list[str], Meta(description="Types of events that it is told of.")]
    config_schema: Annotated[dict[str, Any], Meta(description="JSON Schema 2020-12; writeOnly marks a secret.")]
    config_version: int
    ordered: Annotated[bool, Meta(description="Whether one order's events come one after the other.")]
    is_internal: Annotated[bool, Meta(description="False for an external service, reached by webhooks.")]
    is_active: Annotated[bool, Meta(description="Whether it can be installed.")]

    @classmethod
    def of(cls, entry: CatalogueEntry) -> "PluginOut":
        """Show an entry of the catalogue."""
        return msgspec.convert(entry, cls, from_attributes=True)


class PluginList(msgspec.Struct, frozen=True):
    """The plugins that can be installed, by slug."""

    items: list[PluginOut]


class NewInstallation(InstallIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plugin to install, and how."""

    slug: Annotated[str, Meta(description="The plugin to install.", examples=["whatsapp"])]


class InstallationList(msgspec.Struct, frozen=True):
    """What a store has installed, by priority, then slug."""

    items: list[InstallOut]

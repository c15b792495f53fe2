"""The catalogue: what can be installed."""

from typing import Any, Final

from litestar import Request, Response, get
from litestar.params import FromPath

from pideai_host.api import PluginUnknown, slug_fault
from pideai_host.web.conditional import UNCHANGED, IfNoneMatch, conditional
from pideai_host.web.examples import PLUGIN
from pideai_host.web.models import PluginList, PluginOut
from pideai_host.web.openapi import OWNER, SIGNED_IN, problems, success
from pideai_host.web.state import host_state

TAGS: Final = ["Plugins"]


@get(
    "/plugins",
    operation_id="listPlugins",
    tags=TAGS,
    summary="List the plugins that can be installed",
    security=OWNER,
    responses={
        **success(200, PluginList, {"items": [PLUGIN]}, "The catalogue, by slug"),
        **UNCHANGED,
        **problems(*SIGNED_IN, "bad_request", "database_unavailable"),
    },
)
async def list_plugins(request: Request[Any, Any, Any], if_none_match: IfNoneMatch = None) -> Response[PluginList]:
    """List the catalogue, by slug."""
    entries = await host_state(request.scope).catalogue.list_active()
    return conditional(request, PluginList([PluginOut.of(entry) for entry in entries]), if_none_match)


@get(
    "/plugins/{slug:str}",
    operation_id="getPlugin",
    tags=TAGS,
    summary="Show a plugin",
    security=OWNER,
    responses={
        **success(200, PluginOut, PLUGIN, "The plugin"),
        **UNCHANGED,
        **problems(*SIGNED_IN, "bad_request", "plugin_unknown", "database_unavailable"),
    },
)
async def get_plugin(
    request: Request[Any, Any, Any], slug: FromPath[str], if_none_match: IfNoneMatch = None
) -> Response[PluginOut]:
    """Show a plugin, also one that can no longer be installed: stores may have it still."""
    entry = await host_state(request.scope).catalogue.find(known_slug(slug))
    if entry is None:
        raise PluginUnknown(slug)
    return conditional(request, PluginOut.of(entry), if_none_match)


async def require_known(request: Request[Any, Any, Any], slug: str | None) -> None:
    """Return if the catalogue knows a plugin, or none is named: where nothing was found, that may be why.

    Raises:
        PluginUnknown: it does not.
    """
    if slug is not None and await host_state(request.scope).catalogue.find(slug) is None:
        raise PluginUnknown(slug)


def known_slug(slug: str) -> str:
    """Return the slug if a plugin could have it, so that nothing else reaches the database.

    Raises:
        PluginUnknown: no plugin can.
    """
    if slug_fault(slug) is not None:
        raise PluginUnknown(slug[:64])
    return slug

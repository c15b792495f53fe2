"""An installation's breaker: whether its calls rest, since when and why, and how to end that at once."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath

from pideai_host.api import NotInstalled
from pideai_host.web.examples import BREAKER, BREAKER_CLOSED
from pideai_host.web.models import BreakerOut
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, problems, success
from pideai_host.web.routes.plugins import known_slug
from pideai_host.web.state import host_state, user_of

TAGS: Final = ["Store plugins"]
_CODES: Final = (*SIGNED_IN, "bad_request", "store_unknown", "plugin_unknown", "not_installed", "database_unavailable")


@get(
    "/{slug:str}/breaker",
    operation_id="getStorePluginBreaker",
    tags=TAGS,
    summary="Look at a plugin's breaker",
    security=OWNER,
    responses={**success(200, BreakerOut, BREAKER, "The breaker as it is now"), **problems(*_CODES)},
)
async def get_breaker(request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str]) -> BreakerOut:
    """Tell whether deliveries are made, or parked because what the plugin talks to does not answer."""
    plugin = known_slug(slug)
    state = await host_state(request.scope).breakers.of_plugin(store_id, plugin)
    if state is None:
        raise NotInstalled(plugin)
    return BreakerOut.of(state)


@post(
    "/{slug:str}/breaker/reset",
    operation_id="resetStorePluginBreaker",
    tags=TAGS,
    summary="Close a plugin's breaker",
    status_code=200,
    security=OWNER,
    responses={**success(200, BreakerOut, BREAKER_CLOSED, "The breaker, closed"), **problems(*_CODES, *KEYED)},
)
async def reset_breaker(request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str]) -> BreakerOut:
    """Close the breaker without waiting for a probe: what it parked is delivered. Closed already, it stays so."""
    plugin = known_slug(slug)
    by = str(user_of(request).id)
    state = await host_state(request.scope).breakers.reset(store_id, plugin, by=by)
    if state is None:
        raise NotInstalled(plugin)
    return BreakerOut.of(state)

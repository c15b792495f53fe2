"""A store's plugins: what it has installed, for its owner to see and change."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_201_CREATED
from msgspec import UNSET

from pideai_host.api import NotInstalled
from pideai_host.stores.expected import tag_of
from pideai_host.stores.wire import ConfigStatus, InstallOut, UpdateIn
from pideai_host.web.conditional import (
    UNCHANGED,
    IfMatch,
    IfMatchNeeded,
    IfNoneMatch,
    conditional,
    expected_tags,
    tagged,
)
from pideai_host.web.examples import BREAKER, INSTALLATION, STATE_CHANGE
from pideai_host.web.idempotency import keep_out
from pideai_host.web.models import (
    InstallationList,
    ListedInstallation,
    NewInstallation,
    StateChangeOut,
    StateChangePage,
)
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, problems, success
from pideai_host.web.plan import begins_use, require_plan
from pideai_host.web.routes.credits import Cursor, Limit, entry_id
from pideai_host.web.routes.plugins import known_slug, require_known
from pideai_host.web.state import host_state

TAGS: Final = ["Store plugins"]
_ANY: Final = (*SIGNED_IN, "bad_request", "store_unknown", "database_unavailable")
_ONE: Final = (*_ANY, "plugin_unknown", "installation_busy")
_BODY: Final = (
    "body_rejected",
    "body_too_large",
    "body_too_slow",
    "media_type_unsupported",
    "module_not_in_plan",
    "config_rejected",
    "plugin_signal",
    "plugin_fault",
    "hook_timeout",
)


@get(
    "/",
    operation_id="listStorePlugins",
    tags=TAGS,
    summary="List a store's plugins",
    security=OWNER,
    responses={
        **success(
            200, InstallationList, {"items": [{**INSTALLATION, "breaker": BREAKER}]}, "What the store has installed"
        ),
        **problems(*_ANY),
    },
)
async def list_store_plugins(request: Request[Any, Any, Any], store_id: FromPath[UUID]) -> InstallationList:
    """List what the store has installed, by priority, then slug, each with its breaker."""
    host = host_state(request.scope)
    stored = await host.installations.list_for_store(store_id)
    breakers = {one.installation_id: one for one in await host.breakers.of_store(store_id)} if stored else {}
    return InstallationList([ListedInstallation.with_breaker(one, breakers.get(one.id)) for one in stored])


@post(
    "/",
    operation_id="installStorePlugin",
    tags=TAGS,
    summary="Install a plugin",
    security=OWNER,
    responses={
        **success(201, InstallOut, INSTALLATION, "The new installation, with its webhook_secret this once"),
        **problems(*_ONE, *KEYED, *_BODY, "already_installed"),
    },
)
async def install_store_plugin(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], data: JSONBody[NewInstallation]
) -> Response[InstallOut]:
    """Install a plugin; a `webhook_secret` that the host makes is shown in this answer and never again."""
    plugin = known_slug(data.named())
    await require_plan(request, store_id, plugin)
    made = await host_state(request.scope).lifecycle.install(store_id, plugin, data)
    keep_out(request, "webhook_secret")
    return tagged(made, status_code=HTTP_201_CREATED, location=f"/api/stores/{store_id}/plugins/{plugin}")


@get(
    "/{slug:str}",
    operation_id="getStorePlugin",
    tags=TAGS,
    summary="Show a store's plugin",
    security=OWNER,
    responses={
        **success(200, InstallOut, INSTALLATION, "The installation as it is now"),
        **UNCHANGED,
        **problems(*_ANY, "plugin_unknown", "not_installed"),
    },
)
async def get_store_plugin(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str], if_none_match: IfNoneMatch = None
) -> Response[InstallOut]:
    """Show what a store has installed; its `ETag` is what a change is made upon."""
    plugin = known_slug(slug)
    stored = await host_state(request.scope).installations.find(store_id, plugin)
    if stored is None:
        raise NotInstalled(plugin)
    shown = InstallOut.of(stored)
    known = if_none_match if shown.config_status is ConfigStatus.CURRENT else None  # what is told of that has no tag
    return conditional(request, shown, known, tag=tag_of(stored))


@get(
    "/{slug:str}/states",
    operation_id="listStorePluginStates",
    tags=TAGS,
    summary="List the states that a store's plugin was in",
    security=OWNER,
    responses={
        **success(
            200, StateChangePage, {"items": [STATE_CHANGE], "next_cursor": None}, "A page of changes, the newest first"
        ),
        **problems(*_ANY, "plugin_unknown"),
    },
)
async def list_store_plugin_states(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    slug: FromPath[str],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> StateChangePage:
    """List every change of the installation's state, of earlier installations too, with what undid or left it."""
    installations, plugin = host_state(request.scope).installations, known_slug(slug)
    found = await installations.states(store_id, plugin, before=entry_id(cursor), limit=limit + 1)
    if not found:
        await require_known(request, plugin)
    shown = found[:limit]
    return StateChangePage([StateChangeOut.of(one) for one in shown], str(shown[-1].id) if len(found) > limit else None)


@put(
    "/{slug:str}",
    operation_id="updateStorePlugin",
    tags=TAGS,
    summary="Change a store's plugin",
    security=OWNER,
    responses={
        **success(200, InstallOut, INSTALLATION, "The installation as it is now"),
        **problems(
            *_ONE,
            *_BODY,
            "not_installed",
            "not_ready",
            "config_not_current",
            "secret_unreadable",
            "changed_meanwhile",
            "if_match_needed",
        ),
    },
)
async def update_store_plugin(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    slug: FromPath[str],
    data: JSONBody[UpdateIn],
    if_match: IfMatch = None,
) -> Response[InstallOut]:
    """Configure, enable, disable; what is left out stays, and so does every secret left out of a configuration.

    Whatever replaces something needs `If-Match`; to enable, disable or reorder needs none.
    """
    plugin = known_slug(slug)
    if if_match is None and _replaces(data):
        raise IfMatchNeeded
    if begins_use(data):
        await require_plan(request, store_id, plugin)
    lifecycle = host_state(request.scope).lifecycle
    return tagged(await lifecycle.update(store_id, plugin, data, expected=expected_tags(if_match)))


@delete(
    "/{slug:str}",
    operation_id="uninstallStorePlugin",
    tags=TAGS,
    summary="Uninstall a plugin",
    security=OWNER,
    responses=problems(*_ONE, "not_installed", "changed_meanwhile"),
)
async def uninstall_store_plugin(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str], if_match: IfMatch = None
) -> None:
    """Uninstall a plugin; what is queued for it is cancelled, its log stays."""
    lifecycle = host_state(request.scope).lifecycle
    await lifecycle.uninstall(store_id, known_slug(slug), expected=expected_tags(if_match))


def _replaces(change: UpdateIn) -> bool:
    """Tell whether a change puts something in place of what another one may have put there."""
    return any(one is not UNSET for one in (change.config, change.webhook_url, change.webhook_secret, change.policy))

"""The audit trail: of a store for its owner, of all stores for platform admins."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.params import FromPath, QueryParameter

from pideai_host.stores.audit import Action
from pideai_host.web.audit_models import AuditPage, OperatorAuditPage, entry_id_of
from pideai_host.web.examples import AUDIT_ENTRY, OPERATOR_AUDIT_ENTRY
from pideai_host.web.openapi import ADMIN, OWNER, SIGNED_IN, SIGNED_IN_ADMIN, problems, success
from pideai_host.web.routes.plugins import known_slug, require_known
from pideai_host.web.state import host_state

PAGE: Final = 50
PAGE_MAX: Final = 200

Plugin = Annotated[str | None, QueryParameter(description="Slug of the plugin.")]
Did = Annotated[Action | None, QueryParameter(name="action", description="What was done.")]
By = Annotated[UUID | None, QueryParameter(name="user_id", description="By which user.")]
Cursor = Annotated[str | None, QueryParameter(max_length=20, description="`next_cursor` of the page before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")]


@get(
    "/audit",
    operation_id="listStoreAudit",
    tags=["Audit"],
    summary="List what was done to a store's plugins",
    security=OWNER,
    responses={
        **success(200, AuditPage, {"items": [AUDIT_ENTRY], "next_cursor": None}, "A page, newest first"),
        **problems(*SIGNED_IN, "bad_request", "store_unknown", "plugin_unknown", "database_unavailable"),
    },
)
async def list_store_audit(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    *,
    plugin: Plugin = None,
    action: Did = None,
    user_id: By = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> AuditPage:
    """List who changed what of the store's plugins, and when, newest first. Nothing is ever changed in it."""
    slug = None if plugin is None else known_slug(plugin)
    found = await host_state(request.scope).audit.page(
        store_id=store_id,
        plugin=slug,
        action=action,
        user_id=user_id,
        before=entry_id_of(cursor),
        limit=limit + 1,
    )
    if not found:
        await require_known(request, slug)
    return AuditPage.of(found, limit)


@get(
    "/audit",
    operation_id="listAudit",
    tags=["Operator"],
    summary="List what was done, in all stores",
    security=ADMIN,
    responses={
        **success(
            200, OperatorAuditPage, {"items": [OPERATOR_AUDIT_ENTRY], "next_cursor": None}, "A page, newest first"
        ),
        **problems(*SIGNED_IN_ADMIN, "bad_request", "plugin_unknown", "database_unavailable"),
    },
)
async def list_audit(
    request: Request[Any, Any, Any],
    *,
    store_id: Annotated[UUID | None, QueryParameter(description="Of one store.")] = None,
    plugin: Plugin = None,
    action: Did = None,
    user_id: By = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> OperatorAuditPage:
    """List who did what, and when, newest first: in all stores, and what belongs to none."""
    slug = None if plugin is None else known_slug(plugin)
    found = await host_state(request.scope).audit.page(
        store_id=store_id,
        plugin=slug,
        action=action,
        user_id=user_id,
        before=entry_id_of(cursor),
        limit=limit + 1,
    )
    if not found:
        await require_known(request, slug)
    return OperatorAuditPage.of(found, limit)

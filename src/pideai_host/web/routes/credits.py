"""What a store has to spend on its plugins, and the ledger of it. Granting is the operator's: `pideai-host credits`."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, get
from litestar.exceptions import ValidationException
from litestar.params import FromPath, QueryParameter

from pideai_host.stores.credit_accounts import PAGE_MAX, CreditAccount
from pideai_host.web.examples import CREDITS, LEDGER_ENTRY
from pideai_host.web.models import CreditsList, CreditsOut, LedgerEntryOut, LedgerPage
from pideai_host.web.openapi import OWNER, SIGNED_IN, problems, success
from pideai_host.web.routes.plugins import known_slug, require_known
from pideai_host.web.state import host_state

TAGS: Final = ["Credits"]
_ANY: Final = (*SIGNED_IN, "bad_request", "store_unknown", "database_unavailable")

Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=PAGE_MAX, description="How many entries at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor", max_length=20, description="`next_cursor` of the page before; none for the newest entries."
    ),
]


@get(
    "/credits",
    operation_id="listStoreCredits",
    tags=TAGS,
    summary="List a store's credits",
    security=OWNER,
    responses={
        **success(200, CreditsList, {"items": [CREDITS]}, "What the store has for each plugin"),
        **problems(*_ANY),
    },
)
async def list_credits(request: Request[Any, Any, Any], store_id: FromPath[UUID]) -> CreditsList:
    """List the credits of all plugins that the store ever had some for, by slug."""
    accounts = await host_state(request.scope).credits.of_store(store_id)
    return CreditsList([CreditsOut.of(account) for account in accounts])


@get(
    "/{slug:str}/credits",
    operation_id="getStorePluginCredits",
    tags=TAGS,
    summary="Show a store's credits for a plugin",
    security=OWNER,
    responses={
        **success(200, CreditsOut, CREDITS, "What the store has for the plugin"),
        **problems(*_ANY, "plugin_unknown"),
    },
)
async def get_plugin_credits(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str]
) -> CreditsOut:
    """Show what the store can spend on a plugin, installed or not."""
    plugin = known_slug(slug)
    account = await host_state(request.scope).credits.of_plugin(store_id, plugin)
    if account == CreditAccount(plugin=plugin):
        await require_known(request, plugin)
    return CreditsOut.of(account)


@get(
    "/{slug:str}/credits/ledger",
    operation_id="listStorePluginLedger",
    tags=TAGS,
    summary="List the movements of a store's credits for a plugin",
    security=OWNER,
    responses={
        **success(
            200, LedgerPage, {"items": [LEDGER_ENTRY], "next_cursor": None}, "A page of movements, the newest first"
        ),
        **problems(*_ANY, "plugin_unknown"),
    },
)
async def list_plugin_ledger(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    slug: FromPath[str],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> LedgerPage:
    """List every movement: the amounts add up to what is available."""
    plugin = known_slug(slug)
    entries = await host_state(request.scope).credits.ledger(store_id, plugin, before=entry_id(cursor), limit=limit + 1)
    if not entries and cursor is None:
        await require_known(request, plugin)
    shown = entries[:limit]
    return LedgerPage(
        [LedgerEntryOut.of(entry) for entry in shown], str(shown[-1].id) if len(entries) > limit else None
    )


def entry_id(cursor: str | None) -> int | None:
    """Read the cursor of a page that is ordered by id.

    Raises:
        ValidationException: no page gave it.
    """
    if cursor is None:
        return None
    if not cursor.isdecimal() or not cursor.isascii() or int(cursor) >= 2**63:
        raise ValidationException("cursor is none that a page gave")
    return int(cursor)

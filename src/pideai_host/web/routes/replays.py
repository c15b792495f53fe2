"""Replays of a range of a store's deliveries: how much it would be, begin one, see how far it is, cancel it."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED

from pideai_host.events.delivery_log import DeliveryStatus, Mark
from pideai_host.events.replay_range import ReplayFilter
from pideai_host.web.cursor import cursor_of, mark_of
from pideai_host.web.examples import PREVIEW, REPLAY
from pideai_host.web.log_models import PreviewOut, RangeIn, ReplayIn, ReplayOut, ReplayPage
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, problems, success
from pideai_host.web.replaying import order_of
from pideai_host.web.requests import BodyRejected
from pideai_host.web.routes.deliveries import PAGE, Cursor, IdempotencyKey, Limit
from pideai_host.web.routes.plugins import known_slug
from pideai_host.web.state import host_state

TAGS: Final = ["Replays"]
_ANY: Final = (*SIGNED_IN, "bad_request", "store_unknown", "database_unavailable")
_BODY: Final = ("body_rejected", "body_too_large", "body_too_slow", "media_type_unsupported", "plugin_unknown")


@post(
    "/preview",
    operation_id="previewReplay",
    tags=TAGS,
    summary="Count what a replay would deal with",
    status_code=200,
    security=OWNER,
    responses={**success(200, PreviewOut, PREVIEW, "How much it would be"), **problems(*_ANY, *KEYED, *_BODY)},
)
async def preview_replay(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], data: JSONBody[RangeIn]
) -> PreviewOut:
    """Count, by the same rule, what a replay would deal with; nothing is replayed."""
    return PreviewOut.of(await host_state(request.scope).replay_ranges.preview(store_id, _wanted(data)))


@post(
    "/",
    operation_id="beginReplay",
    tags=TAGS,
    summary="Replay a range",
    status_code=202,
    security=OWNER,
    responses={**success(202, ReplayOut, REPLAY, "The replay"), **problems(*_ANY, *KEYED, *_BODY, "replays_busy")},
)
async def begin_replay(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    data: JSONBody[ReplayIn],
    idempotency_key: IdempotencyKey = None,
) -> Response[ReplayOut]:
    """Begin to replay a range. It goes on by itself, at its rate, whatever is restarted meanwhile."""
    order = order_of(request, store_id, idempotency_key)
    ranges = host_state(request.scope).replay_ranges
    begun = await ranges.begin(store_id, _wanted(data), order, per_s=data.per_s)
    where = {"location": f"/api/stores/{store_id}/replays/{begun.id}"}
    return Response(ReplayOut.of(begun), status_code=HTTP_202_ACCEPTED, headers=where)


@get(
    "/",
    operation_id="listReplays",
    tags=TAGS,
    summary="List a store's replays",
    security=OWNER,
    responses={
        **success(200, ReplayPage, {"items": [REPLAY], "next_cursor": None}, "A page, newest first"),
        **problems(*_ANY),
    },
)
async def list_replays(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], cursor: Cursor = None, limit: Limit = PAGE
) -> ReplayPage:
    """List replays of ranges, newest first."""
    ranges = host_state(request.scope).replay_ranges
    found = await ranges.list_newest(store_id, limit=limit + 1, after=mark_of(cursor))
    shown = found[:limit]
    following = Mark(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    return ReplayPage([ReplayOut.of(one) for one in shown], cursor_of(following))


@get(
    "/{replay_id:uuid}",
    operation_id="getReplay",
    tags=TAGS,
    summary="Show how far a replay is",
    security=OWNER,
    responses={**success(200, ReplayOut, REPLAY, "The replay"), **problems(*_ANY, "replay_unknown")},
)
async def get_replay(request: Request[Any, Any, Any], store_id: FromPath[UUID], replay_id: FromPath[UUID]) -> ReplayOut:
    """Show how far a replay is, and what became of what it replayed."""
    return ReplayOut.of(await host_state(request.scope).replay_ranges.get(store_id, replay_id))


@post(
    "/{replay_id:uuid}/cancel",
    operation_id="cancelReplay",
    tags=TAGS,
    summary="Cancel a replay",
    status_code=200,
    security=OWNER,
    responses={
        **success(200, ReplayOut, REPLAY, "The replay, cancelled"),
        **problems(*_ANY, *KEYED, "replay_unknown", "replay_over"),
    },
)
async def cancel_replay(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], replay_id: FromPath[UUID]
) -> ReplayOut:
    """Stop a replay; what it has put into a lane already goes its way. Cancelled already, it stays so."""
    return ReplayOut.of(await host_state(request.scope).replay_ranges.cancel(store_id, replay_id))


def _wanted(data: RangeIn) -> ReplayFilter:
    if data.plugin is not None:
        known_slug(data.plugin)
    if DeliveryStatus.PENDING in data.statuses:
        raise BodyRejected({"/statuses": "what is pending is under way, and cannot be replayed"})
    return data.filter

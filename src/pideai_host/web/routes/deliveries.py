"""A store's deliveries and events: what became of each, and how to have one go again."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, HeaderParameter, QueryParameter
from litestar.status_codes import HTTP_202_ACCEPTED

from pideai_host.events.delivery_log import DeliveryStatus, LogFilter
from pideai_host.web.cursor import mark_of
from pideai_host.web.examples import DELIVERY, DELIVERY_WHOLE, EVENT, REPLAYED_DELIVERY, REPLAYED_EVENT
from pideai_host.web.log_models import (
    TYPES_MAX,
    DeliveryPage,
    DeliveryWholeOut,
    EventPage,
    ReplayedDeliveryOut,
    ReplayedEventOut,
)
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, problems, success
from pideai_host.web.replaying import order_of, required_range
from pideai_host.web.routes.plugins import known_slug, require_known
from pideai_host.web.state import host_state

TAGS: Final = ["Deliveries"]
PAGE: Final = 50
PAGE_MAX: Final = 200
KEY_MAX_CHARS: Final = 255
_ANY: Final = (*SIGNED_IN, "bad_request", "store_unknown", "database_unavailable")

Plugin = Annotated[str | None, QueryParameter(description="Slug of the plugin.")]
Types = Annotated[list[str] | None, QueryParameter(max_items=TYPES_MAX)]
Statuses = Annotated[list[DeliveryStatus] | None, QueryParameter(max_items=7)]
Since = Annotated[datetime | None, QueryParameter(description="When they came in, inclusive; with its time zone.")]
Until = Annotated[datetime | None, QueryParameter(description="Exclusive.")]
Cursor = Annotated[str | None, QueryParameter(max_length=200, description="`next_cursor` of the page before.")]
Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=KEY_MAX_CHARS,
        description="Sent again under the same key, the request changes nothing.",
    ),
]


@get(
    "/deliveries",
    operation_id="listDeliveries",
    tags=TAGS,
    summary="List a store's deliveries",
    security=OWNER,
    responses={
        **success(200, DeliveryPage, {"items": [DELIVERY], "next_cursor": None}, "A page, newest first"),
        **problems(*_ANY, "plugin_unknown"),
    },
)
async def list_deliveries(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    *,
    plugin: Plugin = None,
    event_type: Types = None,
    status: Statuses = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> DeliveryPage:
    """List deliveries, newest first; a page may be short, or empty, and still have a next one."""
    since, until = required_range(request, since, until)
    wanted = LogFilter(
        plugin=None if plugin is None else known_slug(plugin),
        types=event_type or (),
        statuses=status or (),
        since=since,
        until=until,
    )
    log = host_state(request.scope).delivery_log
    page = DeliveryPage.of(await log.deliveries(store_id, wanted, limit=limit, after=mark_of(cursor)))
    if not page.items:
        await require_known(request, wanted.plugin)
    return page


@get(
    "/deliveries/{delivery_id:uuid}",
    operation_id="getDelivery",
    tags=TAGS,
    summary="Show a delivery with its attempts",
    security=OWNER,
    responses={
        **success(200, DeliveryWholeOut, DELIVERY_WHOLE, "The delivery"),
        **problems(*_ANY, "delivery_unknown"),
    },
)
async def get_delivery(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], delivery_id: FromPath[UUID]
) -> DeliveryWholeOut:
    """Show a delivery with every attempt, and every replay."""
    return DeliveryWholeOut.of_whole(await host_state(request.scope).delivery_log.delivery(store_id, delivery_id))


@post(
    "/deliveries/{delivery_id:uuid}/replay",
    operation_id="replayDelivery",
    tags=TAGS,
    summary="Replay a delivery",
    status_code=202,
    security=OWNER,
    responses={
        **success(202, ReplayedDeliveryOut, REPLAYED_DELIVERY, "What goes now"),
        **problems(*_ANY, *KEYED, "delivery_unknown", "delivery_pending", "not_replayable"),
    },
)
async def replay_delivery(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    delivery_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> Response[ReplayedDeliveryOut]:
    """Have a delivery go again: under its own id if it was not delivered, else as a copy that names it.

    It begins anew, by the plugin's bulk lane, however old it is. While its installation is disabled it waits.
    """
    order = order_of(request, store_id, idempotency_key)
    done = await host_state(request.scope).replays.delivery(store_id, delivery_id, order)
    where = {"location": f"/api/stores/{store_id}/deliveries/{done.delivery_id}"}
    return Response(ReplayedDeliveryOut.of(done), status_code=HTTP_202_ACCEPTED, headers=where)


@get(
    "/events",
    operation_id="listEvents",
    tags=TAGS,
    summary="List a store's events",
    security=OWNER,
    responses={
        **success(200, EventPage, {"items": [EVENT], "next_cursor": None}, "A page, newest first"),
        **problems(*_ANY),
    },
)
async def list_events(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    *,
    untaken: Annotated[bool, QueryParameter(description="Only those that no enabled installation took.")] = False,
    event_type: Types = None,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
    limit: Limit = PAGE,
) -> EventPage:
    """List what happened, newest first; a page may be short, or empty, and still have a next one."""
    since, until = required_range(request, since, until)
    wanted = LogFilter(
        types=event_type or (),
        untaken=untaken,
        since=since,
        until=until,
    )
    log = host_state(request.scope).delivery_log
    return EventPage.of(await log.events(store_id, wanted, limit=limit, after=mark_of(cursor)))


@post(
    "/events/{event_id:uuid}/replay",
    operation_id="replayEvent",
    tags=TAGS,
    summary="Replay an event",
    status_code=202,
    security=OWNER,
    responses={
        **success(202, ReplayedEventOut, REPLAYED_EVENT, "The event's deliveries"),
        **problems(*_ANY, *KEYED, "event_unknown", "not_replayable"),
    },
)
async def replay_event(
    request: Request[Any, Any, Any],
    store_id: FromPath[UUID],
    event_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> ReplayedEventOut:
    """Have an event go to the installations that are enabled now and never got it; those that did are left alone."""
    order = order_of(request, store_id, idempotency_key)
    return ReplayedEventOut.of(await host_state(request.scope).replays.event(store_id, event_id, order))

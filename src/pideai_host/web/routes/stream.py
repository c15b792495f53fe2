"""What happens in a store, as it happens: its notices, and the live stream of its deliveries and notices."""

from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.exceptions import ValidationException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import FromPath, HeaderParameter, QueryParameter

from pideai_host.web.access import require_access
from pideai_host.web.event_stream import EventStream, expiry_of
from pideai_host.web.examples import DELIVERY, NOTICE
from pideai_host.web.models import NoticeOut, NoticePage
from pideai_host.web.openapi import OWNER, SIGNED_IN, problems, success
from pideai_host.web.state import host_state, user_of

TAGS: Final = ["Live"]
PAGE_MAX: Final = 100
_ANY: Final = (*SIGNED_IN, "bad_request", "store_unknown", "database_unavailable")
_STREAM: Final = f"""retry: 3000
event: ready
id: 2f3a-69218a41
data: {{"store_id": "7b0d2c55-8e0f-4d5b-8d3b-2f6a1c9e4b02"}}

event: delivery
id: 2f41-69218a41-09c1f4e0a-2f6b-5f0e-8d6d-3f1b7c9a5e04
data: {msgspec.json.encode(DELIVERY).decode()}

: still here
id: 2f41-69218a50
"""

Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=PAGE_MAX, description="How many notices at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(
        name="cursor", max_length=20, description="`next_cursor` of the page before; none for the newest notices."
    ),
]
LastId = Annotated[
    str | None,
    HeaderParameter(
        name="Last-Event-ID", description="The last `id` that came: the stream goes on behind it.", required=False
    ),
]


@get(
    "/notices",
    operation_id="listNotices",
    tags=TAGS,
    summary="List a store's notices",
    security=OWNER,
    responses={
        **success(200, NoticePage, {"items": [NOTICE], "next_cursor": None}, "A page of notices, the newest first"),
        **problems(*_ANY),
    },
)
async def list_notices(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], limit: Limit = 50, cursor: Cursor = None
) -> NoticePage:
    """List what plugins tell the store's owner, the newest first."""
    found = await host_state(request.scope).notices.of_store(store_id, before=_notice_id(cursor), limit=limit + 1)
    shown = found[:limit]
    return NoticePage([NoticeOut.of(one) for one in shown], str(shown[-1].id) if len(found) > limit else None)


@get(
    "/stream",
    operation_id="streamStore",
    tags=TAGS,
    summary="Watch a store",
    description=(
        "Server-Sent Events, with the token in the header Authorization. `ready` comes first, then `delivery` (one as "
        "it is now) and `notice`; `reset` says that changes were left out, so that lists have to be read anew. `end` "
        "says why nothing more comes: token_expired, store_unknown, stopping. Whoever connects again with "
        "Last-Event-ID goes on behind it: nothing is left out and nothing comes twice."
    ),
    security=OWNER,
    responses={
        200: ResponseSpec(
            str,
            description="Events without end",
            media_type="text/event-stream",
            generate_examples=False,
            examples=[Example(summary="A delivery", value=_STREAM)],
        ),
        **problems(*_ANY, "too_many_requests"),
    },
)
async def stream_store(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], last_event_id: LastId = None
) -> EventStream:
    """Watch a store's deliveries and notices."""
    host, user = host_state(request.scope), user_of(request)
    return EventStream(
        host.live,
        store_id,
        user.id,
        last_id=last_event_id,
        expires_at=expiry_of(user.claims),
        may_look=lambda: require_access(request, request.route_handler),
    )


def _notice_id(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not cursor.isdecimal() or not cursor.isascii() or int(cursor) >= 2**63:
        raise ValidationException("cursor is none that a page gave")
    return int(cursor)

"""Campaigns: written, looked at beforehand, scheduled, stopped for a while or for good, and followed."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import get, post
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, JSONBody, QueryParameter

from pideai_host.api import PluginContext, StoreUnknown
from pideai_whatsapp.campaigns.audience import INACTIVE, RECENT, RECIPIENTS_MAX, AudienceKind, audience_of
from pideai_whatsapp.campaigns.store import Campaign, Campaigns, CampaignStatus, NewCampaign, Place
from pideai_whatsapp.campaigns.text import TEXT_MAX_CHARS, unknown_tokens, written
from pideai_whatsapp.errors import CampaignUnknown
from pideai_whatsapp.routes.parts import PAGE, Context, Cursor, Limit, cursor_of, place_of, strange_cursor
from pideai_whatsapp.sending.attempt import base_domain_of
from pideai_whatsapp.statements import statement

Text = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=TEXT_MAX_CHARS,
        description="What customers read; {customer_name}, {store_name} and {store_link} are replaced.",
        examples=["Hola {customer_name}, hoy 2x1 en {store_name}: {store_link}"],
    ),
]
Audience = Annotated[
    AudienceKind,
    msgspec.Meta(
        description=(
            f"Who ordered in this store: all, those who did within {RECENT.days} days, or those who have not for "
            f"{INACTIVE.days}. At most {RECIPIENTS_MAX}, whoever ordered last first."
        )
    ),
]
ImageUrl = Annotated[str, msgspec.Meta(max_length=2_000, description="A picture, at a public https address.")]


class CampaignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A campaign as its owner wants it; it is a draft until it is scheduled."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    message: Text
    audience: Audience = AudienceKind.ALL
    image_url: ImageUrl | None = None


class ScheduleIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a campaign is to begin."""

    at: Annotated[datetime | None, msgspec.Meta(description="With its time zone; left out, now.")] = None


class AudienceIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to count, and a text to look at."""

    audience: Audience = AudienceKind.ALL
    message: Text | None = None


class AudienceOut(msgspec.Struct, frozen=True, kw_only=True):
    """Who would get a campaign now."""

    recipients: Annotated[int, msgspec.Meta(description="Each WhatsApp account once.")]
    opted_out: Annotated[int, msgspec.Meta(description="Who wants no advertising, and gets none.")]
    unreachable: Annotated[int, msgspec.Meta(description="Phones of orders that cannot be phones.")]
    text: Annotated[str | None, msgspec.Meta(description="The text as the first of them would read it.")]
    unknown_tokens: Annotated[list[str], msgspec.Meta(description="Names in it that stand for nothing.")]


class CampaignOut(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as it is."""

    id: UUID
    name: str
    message: str
    image_url: str | None
    audience: Audience
    status: CampaignStatus
    pause_reason: Annotated[
        str | None,
        msgspec.Meta(description="Why it rests: owner, no_credits, or failing (nearly all of the last did)."),
    ]
    held: Annotated[
        str | None,
        msgspec.Meta(
            description=(
                "Why nothing goes out just now though it does not rest: off, not_connected, backlog, credits, "
                "last_messages or error."
            )
        ),
    ]
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime | None
    total: Annotated[int, msgspec.Meta(description="Who was to get it when it began.")]
    sent: Annotated[int, msgspec.Meta(description="Accepted by the provider, whatever came after.")]
    delivered: Annotated[int, msgspec.Meta(description="Of these, what arrived; what was read among them.")]
    failed: int
    waiting: Annotated[int | None, msgspec.Meta(description="Who still waits; null in lists.")]
    dropped: Annotated[
        int | None,
        msgspec.Meta(description="Who gets none: opted out meanwhile, or it was cancelled; null in lists."),
    ]


class CampaignPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of campaigns, newest first."""

    items: list[CampaignOut]
    next_cursor: str | None


Status = Annotated[CampaignStatus | None, QueryParameter(description="Only those that are so far.")]


@get("/campaigns", summary="List the store's campaigns")
async def list_campaigns(
    context: Context, *, status: Status = None, cursor: Cursor = None, limit: Limit = PAGE
) -> CampaignPage:
    """List campaigns, newest first."""
    found = await _of(context).page(status=status, before=_place_of(cursor), limit=limit + 1)
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    more = None if last is None or last.created_at is None else cursor_of(last.created_at, str(last.id))
    return CampaignPage(items=[_shown(one) for one in page], next_cursor=more)


@post("/campaigns", summary="Write a campaign")
async def create_campaign(data: JSONBody[CampaignIn], context: Context) -> CampaignOut:
    """Write a draft; nothing is sent before it is scheduled.

    A text with an unknown token is refused, with the tokens that are known.
    """
    wanted = NewCampaign(name=data.name, message=data.message, audience=data.audience, image_url=data.image_url)
    return _shown(await _of(context).create(wanted))


@post("/campaigns/preview", status_code=200, summary="Look at a campaign beforehand")
async def preview_campaign(data: JSONBody[AudienceIn], context: Context) -> AudienceOut:
    """Count who would get a campaign now, and write its text as the first of them would read it. Nothing is kept."""
    store = await context.db.fetch_one(statement("campaign_store"), {"store_id": context.store_id})
    if store is None:
        raise StoreUnknown(context.store_id)
    audience = await audience_of(context.db, context.store_id, data.audience, country=store["country"])
    text = None
    if data.message is not None:
        first = audience.recipients[0].customer_name if audience.recipients else None
        link = f"https://{store['subdomain']}.{base_domain_of(context)}"
        text, _ = written(data.message, customer_name=first, store_name=store["name"], store_link=link)
    return AudienceOut(
        recipients=len(audience.recipients),
        opted_out=audience.opted_out,
        unreachable=audience.unreachable,
        text=text,
        unknown_tokens=list(unknown_tokens(data.message or "")),
    )


@get("/campaigns/{campaign_id:uuid}", summary="Show a campaign")
async def get_campaign(campaign_id: FromPath[UUID], context: Context) -> CampaignOut:
    """Show a campaign with its progress; the counters follow within ten seconds."""
    return await _moved(_of(context).get(campaign_id))


@post("/campaigns/{campaign_id:uuid}/schedule", status_code=200, summary="Schedule a campaign")
async def schedule_campaign(
    campaign_id: FromPath[UUID], context: Context, data: JSONBody[ScheduleIn | None] = None
) -> CampaignOut:
    """Have a draft begin, now or at an instant; one that is scheduled may be scheduled otherwise.

    Who gets it is decided when it begins. Of a store's campaigns one has its turn at a time.
    """
    at = None if data is None else data.at
    if at is not None and at.tzinfo is None:
        raise ValidationException("at", extra=[{"key": "at", "message": "needs its time zone"}])
    return await _moved(_of(context).schedule(campaign_id, None if at is None else at.astimezone(UTC)))


@post("/campaigns/{campaign_id:uuid}/pause", status_code=200, summary="Pause a campaign")
async def pause_campaign(campaign_id: FromPath[UUID], context: Context) -> CampaignOut:
    """Let it rest; at most five messages that are under way still go out."""
    return await _moved(_of(context).pause(campaign_id))


@post("/campaigns/{campaign_id:uuid}/resume", status_code=200, summary="Resume a campaign")
async def resume_campaign(campaign_id: FromPath[UUID], context: Context) -> CampaignOut:
    """Let one that rests go on where it stopped."""
    return await _moved(_of(context).resume(campaign_id))


@post("/campaigns/{campaign_id:uuid}/cancel", status_code=200, summary="Cancel a campaign")
async def cancel_campaign(campaign_id: FromPath[UUID], context: Context) -> CampaignOut:
    """End it for good: nobody who still waits gets a message."""
    return await _moved(_of(context).cancel(campaign_id))


def campaign_routes() -> list[Any]:
    """Return the routes of campaigns."""
    return [
        list_campaigns,
        create_campaign,
        preview_campaign,
        get_campaign,
        schedule_campaign,
        pause_campaign,
        resume_campaign,
        cancel_campaign,
    ]


def _of(context: PluginContext) -> Campaigns:
    return Campaigns(context.db, context.store_id)


def _shown(campaign: Campaign) -> CampaignOut:
    return CampaignOut(**msgspec.structs.asdict(campaign))


async def _moved(move: Awaitable[Campaign]) -> CampaignOut:
    """Show where a campaign came to.

    Raises:
        NotFoundException: the store has no such campaign.
    """
    try:
        return _shown(await move)
    except CampaignUnknown as problem:
        raise NotFoundException(problem.message) from problem


def _place_of(cursor: str | None) -> Place | None:
    place = place_of(cursor)
    try:
        return None if place is None else Place(place[0], UUID(place[1]))
    except ValueError as error:
        raise strange_cursor() from error

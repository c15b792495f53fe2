"""A store's campaigns: written down, moved from state to state by one statement each, and read back.

    draft ── schedule ──> scheduled ── its time ──> sending ── nobody waits ──> completed
    scheduled, sending ── pause ──> at rest ── resume ──> as before;   all but completed ── cancel ──> cancelled

``whatsapp_campaigns`` knows no rest: a campaign that rests keeps its status there.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from pideai_host.api import Database
from pideai_whatsapp.campaigns.audience import AudienceKind
from pideai_whatsapp.campaigns.text import TEXT_MAX_CHARS, TOKENS, unknown_tokens
from pideai_whatsapp.errors import CampaignRejected, CampaignUnknown
from pideai_whatsapp.providers.media import require_public
from pideai_whatsapp.statements import statement

PAGE_MAX: Final = 100


class CampaignStatus(StrEnum):
    """How far a campaign is."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as its owner wants it."""

    name: str
    message: str
    audience: AudienceKind = AudienceKind.ALL
    image_url: str | None = None


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as it is.

    Attributes:
        pause_reason: Why it rests: owner, no_credits or failing.
        held: Why nothing goes out just now though it does not rest: off, not_connected, backlog, credits,
            last_messages or error.
        total: Who was to get it when it began.
        sent: Accepted by the provider; of these `delivered` arrived, those that were read among them.
        waiting: Who still waits; only where one campaign is asked for.
        dropped: Who gets none, having opted out meanwhile, or since it was cancelled; likewise.
    """

    id: UUID
    name: str
    message: str
    image_url: str | None
    audience: AudienceKind
    status: CampaignStatus
    pause_reason: str | None
    held: str | None
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    created_at: datetime | None
    total: int
    sent: int
    delivered: int
    failed: int
    waiting: int | None = None
    dropped: int | None = None


class Place(NamedTuple):
    """Where a page ended: the next one begins behind it."""

    created_at: datetime
    id: UUID


class Campaigns:
    """The campaigns of one store."""

    def __init__(self, db: Database, store_id: UUID) -> None:
        self._db = db
        self._store_id = store_id

    async def create(self, wanted: NewCampaign) -> Campaign:
        """Write a draft down.

        Raises:
            CampaignRejected: its text is empty, too long, or holds tokens that no campaign knows.
            MessageRefused: its picture is at no address that anyone can reach.
        """
        _require_text(wanted.message)
        if wanted.image_url is not None:
            require_public(wanted.image_url)
        row = await self._db.fetch_one(
            statement("campaign_create"),
            {
                "store_id": self._store_id,
                "name": wanted.name,
                "message": wanted.message,
                "image_url": wanted.image_url,
                "audience": wanted.audience.value,
            },
        )
        if row is None:
            raise CampaignUnknown
        return await self.get(row["id"])

    async def get(self, campaign_id: UUID) -> Campaign:
        """Return one campaign, with who still waits.

        Raises:
            CampaignUnknown: the store has none of that id.
        """
        found = await self._read(id=campaign_id)
        if not found:
            raise CampaignUnknown
        return found[0]

    async def page(
        self, *, status: CampaignStatus | None = None, before: Place | None = None, limit: int = 50
    ) -> list[Campaign]:
        """Return campaigns, newest first, at most `PAGE_MAX`; `before` is where the page before ended."""
        return await self._read(status=status, before=before, limit=min(limit, PAGE_MAX))

    async def schedule(self, campaign_id: UUID, at: datetime | None = None) -> Campaign:
        """Have a draft, or one that has not begun, begin at an instant; None for now.

        Raises:
            CampaignUnknown: the store has none of that id.
            CampaignRejected: it has begun, or is over.
        """
        return await self._move("campaign_schedule", campaign_id, "programarse", at=at)

    async def pause(self, campaign_id: UUID) -> Campaign:
        """Let it rest; what was handed over, a few messages, still goes out. Raises like `schedule`."""
        return await self._move("campaign_pause", campaign_id, "pausarse", reason="owner")

    async def resume(self, campaign_id: UUID) -> Campaign:
        """Let it go on. Raises like `schedule`."""
        return await self._move("campaign_resume", campaign_id, "reanudarse")

    async def cancel(self, campaign_id: UUID) -> Campaign:
        """End it: nobody who waits gets a message. Raises like `schedule`."""
        return await self._move("campaign_cancel", campaign_id, "cancelarse")

    async def _move(self, name: str, campaign_id: UUID, verb: str, **values: Any) -> Campaign:
        values |= {"campaign_id": campaign_id, "store_id": self._store_id}
        moved = await self._db.execute(statement(name), values)
        found = await self.get(campaign_id)
        if moved == 0:
            raise CampaignRejected(f"La campaña está «{found.status}» y no puede {verb}.")
        return found

    async def _read(
        self,
        *,
        id: UUID | None = None,  # noqa: A002 - the column's name
        status: CampaignStatus | None = None,
        before: Place | None = None,
        limit: int = 1,
    ) -> list[Campaign]:
        rows = await self._db.fetch(
            statement("campaigns_read"),
            {
                "store_id": self._store_id,
                "id": id,
                "status": None if status is None else status.value,
                "before": None if before is None else before.created_at,
                "before_id": None if before is None else before.id,
                "limit": limit,
            },
        )
        return [_campaign_of(dict(row)) for row in rows]


def _campaign_of(row: dict[str, Any]) -> Campaign:
    if row.pop("paused_at") is not None and row["status"] in {"scheduled", "sending"}:
        row["status"] = CampaignStatus.PAUSED.value
    return msgspec.convert(row, Campaign)


def _require_text(message: str) -> None:
    if not message.strip():
        raise CampaignRejected("La campaña necesita un texto.")
    if len(message) > TEXT_MAX_CHARS:
        raise CampaignRejected(f"El texto tiene {len(message)} caracteres; como máximo, {TEXT_MAX_CHARS}.")
    unknown = unknown_tokens(message)
    if unknown:
        known = ", ".join(f"{{{name}}}" for name in TOKENS)
        raise CampaignRejected(f"El texto usa campos que no existen: {', '.join(unknown)}.", hint=f"Existen: {known}.")

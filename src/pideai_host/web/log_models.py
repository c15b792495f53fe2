"""What the endpoints of deliveries, events and replays take and show."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from msgspec import Meta, field

from pideai_host.events.delivery_log import DeliveryStatus, LoggedDelivery, LoggedDeliveryWhole, LoggedEvent, LogPage
from pideai_host.events.replay import ReplayedDelivery, ReplayedEvent
from pideai_host.events.replay_range import PER_S, UNDELIVERED, Preview, ReplayFilter, ReplayState, ReplayStatus
from pideai_host.events.time_range import range_fault
from pideai_host.web.cursor import cursor_of
from pideai_host.web.reasons import REASONS, ReasonOut

PER_S_MAX: Final = 100
TYPES_MAX: Final = 50
_BEGUN: Final = "begun"
_Instant = Annotated[datetime, Meta(tz=True)]
_EventType = Annotated[str, Meta(min_length=1, max_length=100, examples=["order.created"])]


class DeliveryOut(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one installation."""

    id: Annotated[UUID, Meta(description="Also the idempotency key, and the webhook-id of its requests.")]
    event_id: UUID
    event_type: str
    plugin: Annotated[str | None, Meta(description="Slug; null when the catalogue does not have it any more.")]
    installation_id: UUID
    status: DeliveryStatus
    attempts: Annotated[int, Meta(description="Calls since it was made, or since it was last replayed.")]
    response_code: int | None
    error: Annotated[str | None, Meta(description="What went wrong, with the plugin's own words.")]
    reason: Annotated[ReasonOut | None, Meta(description="Why the host ended it; null where it did not.")]
    park_reason: Annotated[str | None, Meta(description="While pending: why it waits.")]
    next_attempt_at: datetime | None
    created_at: Annotated[datetime, Meta(description="When the event came in; a copy has its original's.")]
    processed_at: datetime | None
    replay_of: Annotated[UUID | None, Meta(description="The delivered one that this is a copy of.")]
    replayed_at: datetime | None
    is_late: Annotated[bool, Meta(description="Came after a later one of its order had begun; it went at once.")]

    @classmethod
    def of(cls, row: LoggedDelivery) -> "DeliveryOut":
        """Show a delivery."""
        facts = msgspec.structs.asdict(row) | {"reason": REASONS.get(row.reason or "")}
        return msgspec.convert(facts, cls)


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call, an end without a call, or a replay."""

    at: datetime | None = None
    outcome: Annotated[str, Meta(examples=["delivered", "retry", "failed", "expired", "replayed"])] = ""
    attempt: int | None = None
    duration_ms: int | None = None
    code: int | None = None
    error: str | None = None
    late: Annotated[bool, Meta(description="Came from a worker that had lost it.")] = False
    receipt: Annotated[bool, Meta(description="Reported by the provider that had accepted it.")] = False
    by: Annotated[str | None, Meta(description="Who replayed it: user <id>, or operator.")] = None
    replay: Annotated[UUID | None, Meta(description="The replay's id.")] = None
    from_status: Annotated[str | None, Meta(description="What it was when it was replayed.")] = field(
        default=None, name="from"
    )
    attempts: Annotated[int | None, Meta(description="Calls before it was replayed.")] = None


class DeliveryWholeOut(DeliveryOut, frozen=True, kw_only=True):
    """A delivery with what became of it, call by call."""

    response_body: str | None
    data: Annotated[Any, Meta(description="Small facts of the last outcome.")]
    history: list[HistoryEntry]

    @classmethod
    def of_whole(cls, row: LoggedDeliveryWhole) -> "DeliveryWholeOut":
        """Show a delivery; which worker made a call is nobody's business outside."""
        shown = msgspec.structs.asdict(DeliveryOut.of(row))
        history = [_entry(one) for one in row.history if one.get("outcome") != _BEGUN]
        return cls(**shown, response_body=row.response_body, data=row.data, history=history)


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, newest first. A page may be short, or empty, and still have a next one."""

    items: list[DeliveryOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]

    @classmethod
    def of(cls, page: LogPage[LoggedDelivery]) -> "DeliveryPage":
        """Show a page."""
        return cls([DeliveryOut.of(row) for row in page.items], cursor_of(page.following))


class EventOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened."""

    id: UUID
    type: str
    entity_id: Annotated[str | None, Meta(description="The order, cart or customer that it is about.")]
    source: Annotated[str, Meta(examples=["webhook", "capture", "sweep", "emit"])]
    occurred_at: datetime
    created_at: Annotated[datetime, Meta(description="When it came in.")]
    deliveries: Annotated[int, Meta(description="0 when no enabled installation took it.")]

    @classmethod
    def of(cls, row: LoggedEvent) -> "EventOut":
        """Show an event."""
        return msgspec.convert(row, cls, from_attributes=True)


class EventPage(msgspec.Struct, frozen=True):
    """Events, newest first. A page may be short, or empty, and still have a next one."""

    items: list[EventOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]

    @classmethod
    def of(cls, page: LogPage[LoggedEvent]) -> "EventPage":
        """Show a page."""
        return cls([EventOut.of(row) for row in page.items], cursor_of(page.following))


class ReplayedDeliveryOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the replay of a delivery did."""

    replay_id: UUID
    delivery_id: Annotated[UUID, Meta(description="What goes now: the delivery itself, or its copy.")]
    is_copy: Annotated[bool, Meta(description="Whether it had been delivered, so that a copy goes.")]

    @classmethod
    def of(cls, done: ReplayedDelivery) -> "ReplayedDeliveryOut":
        """Show what was done."""
        return msgspec.convert(done, cls, from_attributes=True)


class ReplayedEventOut(msgspec.Struct, frozen=True, kw_only=True):
    """What the replay of an event did."""

    replay_id: UUID
    made: Annotated[list[UUID], Meta(description="Deliveries that it made.")]
    kept: Annotated[list[UUID], Meta(description="Deliveries that were there already and are left alone.")]

    @classmethod
    def of(cls, done: ReplayedEvent) -> "ReplayedEventOut":
        """Show what was done."""
        return msgspec.convert(done, cls, from_attributes=True)


class RangeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to replay: of the deliveries whose events came in within a time, those with all that is named."""

    since: _Instant
    until: Annotated[_Instant | None, Meta(description="Exclusive; now unless told otherwise, and never later.")] = None
    plugin: Annotated[str | None, Meta(description="Slug; all unless told otherwise.")] = None
    event_types: Annotated[list[_EventType], Meta(max_length=TYPES_MAX, description="All unless told otherwise.")] = []
    statuses: Annotated[list[DeliveryStatus], Meta(min_length=1, max_length=6, description="Any but pending.")] = field(
        default_factory=lambda: list(UNDELIVERED)
    )
    only_untaken: Annotated[
        bool, Meta(description="Events that no enabled installation took, instead of deliveries.")
    ] = False

    def __post_init__(self) -> None:
        """Refuse a range that makes no sense."""
        fault = range_fault(self.since, self.until)
        if fault is not None:
            raise ValueError(fault)

    @property
    def filter(self) -> ReplayFilter:
        """As the engine takes it."""
        return ReplayFilter(
            since=self.since,
            until=self.until,
            plugin=self.plugin,
            types=tuple(self.event_types),
            statuses=tuple(self.statuses),
            only_untaken=self.only_untaken,
        )


class ReplayIn(RangeIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to replay, and how fast."""

    per_s: Annotated[float, Meta(ge=1, le=PER_S_MAX, description="Deliveries a second, at most.")] = PER_S


class PreviewOut(msgspec.Struct, frozen=True, kw_only=True):
    """How much a replay would deal with."""

    count: int
    is_exact: Annotated[bool, Meta(description="Else there are more: only so many rows are looked at.")]

    @classmethod
    def of(cls, preview: Preview) -> "PreviewOut":
        """Show a count."""
        return cls(count=preview.count, is_exact=preview.is_exact)


class ReplayOut(msgspec.Struct, frozen=True, kw_only=True):
    """A replay as it stands."""

    id: UUID
    status: ReplayStatus
    requested_by: Annotated[str, Meta(description="user <id>, or operator.")]
    since: datetime
    until: datetime
    plugin: str | None
    event_types: list[str]
    statuses: list[DeliveryStatus]
    only_untaken: bool
    per_s: float
    total: Annotated[int, Meta(description="Deliveries (or events) when it began.")]
    total_is_exact: bool
    done: Annotated[int, Meta(description="Those dealt with, the skipped ones included.")]
    replayed: Annotated[int, Meta(description="Deliveries that go again.")]
    unsettled: Annotated[int, Meta(description="How many of the replayed are on their way.")]
    results: Annotated[dict[str, int], Meta(description="Status (or parked) -> how many of the replayed.")]
    skipped: Annotated[dict[str, int], Meta(description="Why -> how many were left as they are.")]
    error: Annotated[str | None, Meta(description="Why it does not get on, when it does not.")]
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, state: ReplayState) -> "ReplayOut":
        """Show a replay to the owner of its store."""
        shown = msgspec.structs.asdict(state) | {
            "requested_by": _who(state.requested_by),
            "error": None if state.error is None else "the host has met an error; its operator finds it in the log",
        }
        shown.pop("store_id")
        return msgspec.convert(shown, cls)


class ReplayPage(msgspec.Struct, frozen=True):
    """A store's replays of ranges, newest first."""

    items: list[ReplayOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]


def _entry(stored: Mapping[str, Any]) -> HistoryEntry:
    known = {name: stored[name] for name in HistoryEntry.__struct_encode_fields__ if name in stored}
    if "by" in known:
        known["by"] = _who(str(known["by"]))
    try:
        return msgspec.convert(known, HistoryEntry)
    except msgspec.ValidationError:  # of an older version, perhaps: better little of it than no answer
        return HistoryEntry(outcome=str(stored.get("outcome", "")))


def _who(by: str) -> str:
    """Owners learn that the operator did it, not which account of theirs."""
    return "operator" if by.startswith("operator") else by

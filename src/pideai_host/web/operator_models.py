"""What the operator's endpoints show."""

import base64
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from pideai_host.events.alive import SILENCE_S, ProcessSeen
from pideai_host.events.delivery_log import Mark
from pideai_host.events.depths import COUNTED_MAX, LaneDepth
from pideai_host.events.job_rows import JobSeen
from pideai_host.events.kept_bodies import AGAIN_DAYS, KeptBody, KeptBodyWhole
from pideai_host.events.overview import BREAKERS_MAX, OpenBreaker, Untaken
from pideai_host.events.quarantine_rows import QuarantineState
from pideai_host.plugins.records import LoadRecord, Phase, Status
from pideai_host.stores.waiting_configs import WaitingConfig
from pideai_host.stores.wire import ConfigStatus
from pideai_host.web.cursor import cursor_of


class LoadRecordOut(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one plugin that was found."""

    slug: str
    distribution: str
    version: str
    source: str
    phase: Annotated[Phase, Meta(description="How far it came.")]
    status: Annotated[Status, Meta(description="Where it ended up; partial: it works, but without its routes.")]
    error: Annotated[str | None, Meta(description="What is wrong and what to do.")]
    traceback: str | None
    seconds: float

    @classmethod
    def of(cls, record: LoadRecord) -> "LoadRecordOut":
        """Show a record."""
        return msgspec.convert(record, cls, from_attributes=True)


class LoadRecordList(msgspec.Struct, frozen=True):
    """What the process that answers has loaded, and what not, by slug."""

    items: list[LoadRecordOut]


class QuarantinedPluginOut(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that all workers leave alone, since it ended one after another."""

    plugin: str
    reason: str
    since: datetime
    until: Annotated[datetime, Meta(description="When one call is tried.")]
    crashes: int

    @classmethod
    def of(cls, state: QuarantineState) -> "QuarantinedPluginOut":
        """Show a quarantine."""
        return msgspec.convert(state, cls, from_attributes=True)


class QuarantinedPluginList(msgspec.Struct, frozen=True):
    """The plugins that all workers leave alone; what a single process leaves alone stands with the process."""

    items: list[QuarantinedPluginOut]


class WaitingConfigOut(msgspec.Struct, frozen=True, kw_only=True):
    """An installation whose deliveries wait, since its configuration is of another version than its plugin's code."""

    store_id: UUID
    plugin: str
    enabled: bool
    status: Annotated[ConfigStatus, Meta(description="Older or newer than the code.")]
    config_version: int
    wanted_version: Annotated[int, Meta(description="Of the newest code that was deployed.")]
    config_fault: Annotated[str | None, Meta(description="Why it could not be brought up.")]
    config_due_at: Annotated[datetime | None, Meta(description="When it is tried again.")]
    updated_at: datetime

    @classmethod
    def of(cls, waiting: WaitingConfig) -> "WaitingConfigOut":
        """Show one."""
        return msgspec.convert(waiting, cls, from_attributes=True)


class WaitingConfigList(msgspec.Struct, frozen=True):
    """Configurations of another version than their plugin's, by plugin and store; at most 500."""

    items: list[WaitingConfigOut]


class LaneOut(msgspec.Struct, frozen=True, kw_only=True):
    """A lane as the scheduler saw it last."""

    lane: str
    ready: Annotated[int, Meta(description=f"May be claimed; of the {COUNTED_MAX} oldest messages.")]
    claimed: Annotated[int, Meta(description="Of these, those that a worker has.")]
    is_capped: Annotated[bool, Meta(description="There are more.")]
    oldest_at: Annotated[datetime | None, Meta(description="When the oldest that is ready came in.")]
    looked_at: datetime

    @classmethod
    def of(cls, depth: LaneDepth) -> "LaneOut":
        """Show a lane."""
        return msgspec.convert(depth, cls, from_attributes=True)


class LaneList(msgspec.Struct, frozen=True):
    """All lanes, by name."""

    items: list[LaneOut]


class ProcessOut(msgspec.Struct, frozen=True, kw_only=True):
    """A process of the host."""

    id: UUID
    host: str
    pid: int
    version: str
    takes_events: bool
    makes_deliveries: bool
    plugins: Annotated[
        list[str] | None,
        Meta(description="Whose lanes it serves; null: of a version that does not say, and serves all."),
    ]
    leads: Annotated[bool, Meta(description="Runs the scheduler's jobs.")]
    quarantined: Annotated[dict[str, str], Meta(description="Plugins that it leaves alone by itself -> why.")]
    started_at: datetime
    seen_at: datetime
    is_alive: Annotated[bool, Meta(description=f"Was seen within {SILENCE_S:g} s.")]

    @classmethod
    def of(cls, seen: ProcessSeen) -> "ProcessOut":
        """Show a process."""
        return msgspec.convert(seen, cls, from_attributes=True)


class ProcessList(msgspec.Struct, frozen=True):
    """The processes that were seen within a day, the oldest first. One that ended in order is not among them."""

    items: list[ProcessOut]
    unserved: Annotated[
        list[str], Meta(description="Plugins that a store has enabled and no living process serves; deliveries wait.")
    ]


class PluginJobOut(msgspec.Struct, frozen=True, kw_only=True):
    """A job of a plugin, and its newest turn that ended."""

    plugin: str
    job: str
    interval_s: float
    began_at: Annotated[datetime, Meta(description="The newest turn, which may still run.")]
    ended_at: datetime | None
    outcome: Literal["ok", "failed", "timeout"] | None
    error: str | None
    took_s: float | None
    turns: Annotated[int, Meta(description="That ended.")]
    failures: Annotated[int, Meta(description="In a row.")]

    @classmethod
    def of(cls, seen: JobSeen) -> "PluginJobOut":
        """Show a job."""
        return msgspec.convert(seen, cls, from_attributes=True)


class PluginJobList(msgspec.Struct, frozen=True):
    """The jobs of plugins that had a turn, by plugin and name."""

    items: list[PluginJobOut]


class OpenBreakerOut(msgspec.Struct, frozen=True, kw_only=True):
    """A breaker that is not closed."""

    installation_id: UUID
    store_id: UUID
    plugin: str
    phase: Literal["open", "half_open"]
    reason: str | None
    openings: Annotated[int, Meta(description="In a row.")]
    opened_at: datetime
    next_probe_at: datetime | None

    @classmethod
    def of(cls, breaker: OpenBreaker) -> "OpenBreakerOut":
        """Show a breaker."""
        return msgspec.convert(breaker, cls, from_attributes=True)


class OpenBreakerList(msgspec.Struct, frozen=True):
    """The breakers of all stores that are not closed, the newest opening first."""

    items: Annotated[list[OpenBreakerOut], Meta(description=f"The newest {BREAKERS_MAX}.")]


class UntakenOut(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one type that no enabled installation took."""

    type: str
    events: int
    stores: int
    newest_at: datetime

    @classmethod
    def of(cls, untaken: Untaken) -> "UntakenOut":
        """Show a type."""
        return msgspec.convert(untaken, cls, from_attributes=True)


class UntakenList(msgspec.Struct, frozen=True):
    """What nobody took, by type, the most first."""

    items: list[UntakenOut]


class KeptBodyOut(msgspec.Struct, frozen=True, kw_only=True):
    """Something that came in and was not understood."""

    id: UUID
    received_at: datetime
    door: Annotated[str, Meta(examples=["webhook", "capture"])]
    reason: Annotated[str, Meta(examples=["unknown_table", "unknown_store", "bad_row", "refused_by_database"])]
    detail: str
    size_bytes: int

    @classmethod
    def of(cls, body: KeptBody) -> "KeptBodyOut":
        """Show what is known of a body."""
        return msgspec.convert(body, cls, from_attributes=True)


class KeptBodyWholeOut(KeptBodyOut, frozen=True, kw_only=True):
    """The same with the body; it holds a customer's data."""

    body: Annotated[str | None, Meta(description="As text; null when it is none.")]
    body_base64: Annotated[str | None, Meta(description="When it is no text.")]
    can_be_fed: Annotated[bool, Meta(description=f"Not older than {AGAIN_DAYS} days.")]

    @classmethod
    def of_whole(cls, body: KeptBodyWhole) -> "KeptBodyWholeOut":
        """Show a body."""
        text = _text(body.body)
        encoded = base64.b64encode(body.body).decode() if text is None else None
        shown = msgspec.structs.asdict(KeptBodyOut.of(body))
        return cls(**shown, body=text, body_base64=encoded, can_be_fed=body.is_young)


class KeptBodyPage(msgspec.Struct, frozen=True):
    """A page of what was not understood, newest first."""

    items: list[KeptBodyOut]
    next_cursor: Annotated[str | None, Meta(description="Send it as `cursor`; null on the last page.")]

    @classmethod
    def of(cls, bodies: list[KeptBody], limit: int) -> "KeptBodyPage":
        """Show a page, of one more than it may have."""
        shown = bodies[:limit]
        following = Mark(shown[-1].received_at, shown[-1].id) if len(bodies) > limit else None
        return cls([KeptBodyOut.of(one) for one in shown], cursor_of(following))


class FedOut(msgspec.Struct, frozen=True):
    """What a body became that was fed again."""

    event_ids: Annotated[list[UUID], Meta(description="Its events; none for what interests nobody.")]


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None

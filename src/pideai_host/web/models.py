"""What the catalogue's endpoints show; what installations take and show is `pideai_host.stores.wire`."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pideai_host.api import PluginType
from pideai_host.events.breaker_rows import PARKED_MAX, BreakerState
from pideai_host.stores.balance import CreditType
from pideai_host.stores.book import Movement
from pideai_host.stores.catalogue import CatalogueEntry
from pideai_host.stores.credit_accounts import CreditAccount, LedgerEntry
from pideai_host.stores.installations import StateChange, StoredInstallation
from pideai_host.stores.notices import Notice
from pideai_host.stores.wire import InstallationState, InstallIn, InstallOut
from pideai_host.web.requests import BodyRejected


class PluginOut(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin of the catalogue."""

    slug: Annotated[str, Meta(description="The plugin's name in addresses.", examples=["whatsapp"])]
    name: str
    description: str | None
    type: PluginType
    version: str | None
    icon_url: str | None
    pricing_model: str
    module: Annotated[str | None, Meta(description="Module of the store's plan that it needs.")]
    required_events: Annotated[list[str], Meta(description="Types of events that it is told of.")]
    config_schema: Annotated[dict[str, Any], Meta(description="JSON Schema 2020-12; writeOnly marks a secret.")]
    config_version: int
    ordered: Annotated[bool, Meta(description="Whether one order's events come one after the other.")]
    is_internal: Annotated[bool, Meta(description="False for an external service, reached by webhooks.")]
    is_active: Annotated[bool, Meta(description="Whether it can be installed.")]

    @classmethod
    def of(cls, entry: CatalogueEntry) -> "PluginOut":
        """Show an entry of the catalogue."""
        return msgspec.convert(entry, cls, from_attributes=True)


class PluginList(msgspec.Struct, frozen=True):
    """The plugins that can be installed, by slug."""

    items: list[PluginOut]


class NewInstallation(InstallIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which plugin to install, and how. `plugin` names it, as in every answer; `slug` is another word for that."""

    plugin: Annotated[str, Meta(description="The plugin to install.", examples=["whatsapp"])] | UnsetType = UNSET
    slug: Annotated[str, Meta(description="Another word for `plugin`.")] | UnsetType = UNSET

    def named(self) -> str:
        """Return the plugin, by whichever word it was named.

        Raises:
            BodyRejected: by none, or two are named.
        """
        if self.plugin is UNSET and self.slug is UNSET:
            raise BodyRejected({"/plugin": "is required"})
        if self.plugin is not UNSET and self.slug is not UNSET and self.plugin != self.slug:
            raise BodyRejected({"/slug": "is another word for plugin, which names another one"})
        return str(self.slug if self.plugin is UNSET else self.plugin)


class BreakerOut(msgspec.Struct, frozen=True, kw_only=True):
    """Whether deliveries are made (closed), parked (open) or tried with one of them (half_open)."""

    phase: Literal["closed", "open", "half_open"]
    reason: Annotated[str | None, Meta(description="The last failure of those that opened it.")] = None
    opened_at: datetime | None = None
    closed_at: Annotated[datetime | None, Meta(description="When closed after it was open.")] = None
    next_probe_at: Annotated[datetime | None, Meta(description="When open: one delivery is tried then.")] = None
    parked: Annotated[int, Meta(description=f"Deliveries that wait for it; at most {PARKED_MAX} are counted.")] = 0

    @classmethod
    def of(cls, state: BreakerState) -> "BreakerOut":
        """Show a breaker."""
        return msgspec.convert(state, cls, from_attributes=True)


class CreditsOut(msgspec.Struct, frozen=True, kw_only=True):
    """What a store can spend on a plugin."""

    plugin: str
    monthly: Annotated[int, Meta(description="How many a month brings; they are spent first.")]
    extra: Annotated[int, Meta(description="Bought ones, which stay until they are spent.")]
    used: Annotated[int, Meta(description="Of this month's; more than `monthly` if that was lowered.")]
    available: Annotated[int, Meta(description="How many can still be spent.", ge=0)]
    reserved: Annotated[int, Meta(description="Held by deliveries under way; not available any more.", ge=0)]
    renews_at: Annotated[datetime | None, Meta(description="When the month's are unspent again.")]

    @classmethod
    def of(cls, account: CreditAccount) -> "CreditsOut":
        """Show what a store has."""
        return msgspec.convert(account, cls, from_attributes=True)


class CreditsList(msgspec.Struct, frozen=True):
    """A store's credits, by plugin."""

    items: list[CreditsOut]


class LedgerEntryOut(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of a store's credits for a plugin."""

    id: int
    at: datetime
    movement: Annotated[
        Movement,
        Meta(
            description="reserve, charge and refund are a delivery's; grant is the operator's; renew is a new month's;"
            " adjust is what changed outside of the plugin host."
        ),
    ]
    credit_type: Annotated[CreditType | None, Meta(description="Null where it is of both kinds.")]
    amount: Annotated[int, Meta(description="What it changed of what is available.")]
    available: Annotated[int, Meta(description="What was left after it.")]
    delivery_id: UUID | None
    reference: Annotated[str | None, Meta(description="Of a grant: its key.")]
    granted: Annotated[int | None, Meta(description="Of a grant: how many.")]

    @classmethod
    def of(cls, entry: LedgerEntry) -> "LedgerEntryOut":
        """Show an entry of the ledger."""
        return msgspec.convert(entry, cls, from_attributes=True)


class LedgerPage(msgspec.Struct, frozen=True):
    """A page of movements, the newest first."""

    items: list[LedgerEntryOut]
    next_cursor: Annotated[str | None, Meta(description="Of the next page; null when there is none.")]


class NoticeOut(msgspec.Struct, frozen=True, kw_only=True):
    """What a plugin, or the host for it, tells a store's owner."""

    id: int
    at: datetime
    plugin: str
    level: Literal["info", "warning", "error"]
    message: Annotated[str, Meta(description="In Spanish, one line.")]

    @classmethod
    def of(cls, notice: Notice) -> "NoticeOut":
        """Show a notice."""
        return msgspec.convert(notice, cls, from_attributes=True)


class NoticePage(msgspec.Struct, frozen=True):
    """A page of notices, the newest first."""

    items: list[NoticeOut]
    next_cursor: Annotated[str | None, Meta(description="Of the next page; null when there is none.")]


class ListedInstallation(InstallOut, frozen=True, kw_only=True):
    """An installation with its breaker."""

    breaker: BreakerOut = BreakerOut(phase="closed")

    @classmethod
    def with_breaker(cls, stored: StoredInstallation, state: BreakerState | None) -> "ListedInstallation":
        """Show a stored installation; it has no state to tell of when its breaker is closed."""
        shown = msgspec.structs.asdict(InstallOut.of(stored))
        return cls(**shown, breaker=BreakerOut(phase="closed") if state is None else BreakerOut.of(state))


class StateChangeOut(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an installation's state."""

    id: int
    at: datetime
    from_state: Annotated[InstallationState | None, Meta(description="Null: it was not installed.")]
    to_state: Annotated[InstallationState | None, Meta(description="Null: it is not installed any more.")]
    reason: Annotated[str | None, Meta(description="Why something was undone, or left half-way.")]

    @classmethod
    def of(cls, change: StateChange) -> "StateChangeOut":
        """Show a change."""
        return msgspec.convert(change, cls, from_attributes=True)


class StateChangePage(msgspec.Struct, frozen=True):
    """A page of changes, the newest first."""

    items: list[StateChangeOut]
    next_cursor: Annotated[str | None, Meta(description="Of the next page; null when there is none.")]


class InstallationList(msgspec.Struct, frozen=True):
    """What a store has installed, by priority, then slug."""

    items: list[ListedInstallation]

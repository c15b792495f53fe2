"""What the cutover reads and writes in the database, as its owner."""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import ConfigurationError, Database
from pideai_whatsapp.cutover.scope import Scope
from pideai_whatsapp.statements import statement


class Side(StrEnum):
    """Who announces a change."""

    HOST = "host"
    TRIGGERS = "triggers"


class CutoverState(StrEnum):
    """Where a store is on its way; none at all for one that was never cut over."""

    PREPARING = "preparing"
    CUT_OVER = "cut_over"
    DRAINING = "draining"
    ROLLED_BACK = "rolled_back"


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """One of the six as it is, and how it was found and left if it was touched.

    Attributes:
        fires: As in ``pg_trigger.tgenabled``: O and A fire, D and R do not.
    """

    name: str
    definition: str
    fires: str
    original: str | None = None
    written: str | None = None

    @property
    def is_firing(self) -> bool:
        """Whether an order's update calls it."""
        return self.fires in {"O", "A"}

    @property
    def is_as_left(self) -> bool:
        """Whether nobody else replaced it since."""
        return self.written is None or self.written == self.definition


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How things stand in the database.

    Attributes:
        can_post: Whether pg_net is there, without which no trigger of today's sends anything.
    """

    scope: Scope
    revision: int
    triggers: tuple[Trigger, ...]
    can_post: bool

    def speak_for(self, store_id: UUID) -> bool:
        """Tell whether today's triggers would announce a store's changes, as the database itself would say it."""
        return self.can_post and any(
            one.is_firing and (one.written is None or not one.is_as_left or self.scope.speaks_for(store_id))
            for one in self.triggers
        )


class StoreStanding(msgspec.Struct, frozen=True, kw_only=True):
    """One store, as far as the cutover is concerned."""

    id: UUID
    subdomain: str
    has_settings: bool
    is_enabled: bool
    is_connected: bool
    settings: dict[str, Any]
    is_installed: bool
    is_working: bool
    installation_state: str | None
    config: dict[str, Any]
    is_adopted: bool
    state: CutoverState | None
    since: datetime | None
    templates: int

    @property
    def is_sending(self) -> bool:
        """Whether its owner has WhatsApp switched on today."""
        return self.has_settings and self.is_enabled


class HostStanding(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the host would learn of an order, and deal with it."""

    is_captured: bool
    webhook_heard_at: datetime | None
    has_worker: bool
    has_scheduler: bool


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What the host still has to announce for a store that goes back."""

    store_id: UUID
    captured: int
    is_swept: bool
    pending: int

    @property
    def is_over(self) -> bool:
        """Whether nothing of before can come any more."""
        return self.is_swept and not self.captured and not self.pending


FAR_S: Final = 14 * 86_400.0
"""How far back changes are noted: the sweep looks back 13 days."""
NEAR_S: Final = 3_600.0
"""How far back they are noted again at once: the first time may take half a minute."""

NOT_MIGRATED: Final = "the tables of the plugin are missing"
HINT_MIGRATE: Final = "Run `pideai-host migrate` first."


class CutoverRows:
    """The statements of the cutover."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def standing(self) -> Standing:
        """Look at the triggers.

        Raises:
            ConfigurationError: the plugin's tables are missing.
        """
        tables = await self._db.fetch_one(statement("cutover_tables"))
        row = await self._db.fetch_one(statement("cutover_state")) if tables and tables["is_migrated"] else None
        if row is None:
            raise ConfigurationError(NOT_MIGRATED, hint=HINT_MIGRATE)
        return Standing(
            scope=Scope(is_over=row["is_over"], listed=frozenset(row["listed"])),
            revision=row["revision"],
            triggers=msgspec.convert(row["triggers"], tuple[Trigger, ...]),
            can_post=row["can_post"],
        )

    async def stores(self, names: Sequence[str] | None) -> list[StoreStanding]:
        """Look at the stores so named, by id or subdomain; None for all that are concerned."""
        wanted = None if names is None else [name.lower() for name in names]
        rows = await self._db.fetch(statement("cutover_stores"), {"names": wanted})
        return [msgspec.convert(dict(row), StoreStanding) for row in rows]

    async def host(self) -> HostStanding:
        """Look at the doors and the workers."""
        row = await self._db.fetch_one(statement("cutover_host"))
        return msgspec.convert(dict(row or {}), HostStanding)

    async def prepare(self, stores: Collection[UUID]) -> None:
        """Have the host wait with the changes of stores that are not cut over."""
        await self._db.execute(statement("cutover_prepare"), {"stores": list(stores)})

    async def move(self, stores: Collection[UUID], before: CutoverState, state: CutoverState) -> None:
        """Move the stores that are in one state to another."""
        values = {"stores": list(stores), "before": before.value, "state": state.value}
        await self._db.execute(statement("cutover_set"), values)

    async def is_in(self, store_id: UUID, state: CutoverState) -> bool:
        """Tell whether a store is in a state now, whoever moved it."""
        row = await self._db.fetch_one(statement("cutover_where"), {"store_id": store_id})
        return row is not None and row["state"] == state.value

    async def note(self, stores: Collection[UUID], side: Side) -> None:
        """Note whose the changes are that are there now: what the sweep can bring, then what came meanwhile."""
        for back_s in (FAR_S, NEAR_S):
            values = {"stores": list(stores), "side": side.value, "back_s": back_s}
            await self._db.fetch_one(statement("cutover_note"), values)

    async def switch(
        self, stores: Collection[UUID], to: Side, scope: Scope, *, revision: int, triggers: list[dict[str, str]]
    ) -> datetime:
        """Change the sides of stores at one instant, and return it."""
        row = await self._db.fetch_one(
            statement("cutover_switch"),
            {
                "to": to.value,
                "stores": list(stores),
                "is_over": scope.is_over,
                "listed": sorted(scope.listed),
                "revision": revision,
                "triggers": msgspec.json.encode(triggers).decode(),
            },
        )
        if row is None:
            raise RuntimeError("switch_sides answered nothing")
        switched_at: datetime = row["switched_at"]
        return switched_at

    async def left(self, stores: Collection[UUID]) -> list[Left]:
        """Look at what is still to be announced for stores that go back."""
        rows = await self._db.fetch(statement("cutover_drained"), {"stores": list(stores)})
        return [msgspec.convert(dict(row), Left) for row in rows]

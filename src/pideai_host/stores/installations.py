"""A store's rows for its plugins, read and written whole, with their sealed values."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row, kwargs_row

from pideai_host.api import AlreadyInstalled, Installation
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.stores.policy import PolicyOverride, read_override
from pideai_host.stores.rows import existing_store, require_row

WEBHOOK_SECRET: Final = "webhook_secret"  # noqa: S105 - the name of the field, not a value
"""The name of the signing secret among sealed values; all others are JSON pointers, which begin with a slash."""

GRACE_S: Final = 60.0
"""What is not over after this long is looked at: whoever works at it holds its lock."""

_SELECT: Final = query(load("pideai_host.stores", "sql/installations.sql"))
_BY_ID: Final = _SELECT.format(which=sql.SQL("sp.id = any (%(ids)s)"))
_OF_STORE: Final = _SELECT.format(which=sql.SQL("sp.store_id = %(store_id)s"))
_ONE: Final = _SELECT.format(which=sql.SQL("sp.store_id = %(store_id)s and p.slug = %(slug)s"))
_TARGET: Final = query(load("pideai_host.stores", "sql/installation_target.sql"))
_INSERT: Final = query(load("pideai_host.stores", "sql/installation_insert.sql"))
_UPDATE: Final = query(load("pideai_host.stores", "sql/installation_update.sql"))
_STATES: Final = query(load("pideai_host.stores", "sql/installation_states.sql"))
_DELETE: Final = query(load("pideai_host.stores", "sql/installation_delete.sql"))


class StoredInstallation(msgspec.Struct, frozen=True, kw_only=True):
    """One store's row for one plugin.

    Attributes:
        config: The public half of the configuration.
        revision: Rises with every change.
        sealed: `WEBHOOK_SECRET` or a JSON pointer into the configuration -> sealed text.
        policy: What it wants otherwise than its plugin, None for nothing.
        transition: What is under way, or was left half-way (`stores.transitions`); None for nothing.
        transition_reason: Why finishing or undoing that failed the last time, or why it cannot be enabled yet.
        is_given_up: Whether that is not tried any more.
        config_fault: Why its configuration could not be brought up to the version that the plugin wants.
        wanted_version: The version that the catalogue says the plugin wants.
    """

    id: UUID
    store_id: UUID
    plugin_id: UUID
    slug: str
    config: dict[str, Any]
    enabled: bool
    priority: int
    webhook_url: str | None
    config_version: int
    revision: int
    sealed: dict[str, str]
    installed_at: datetime
    updated_at: datetime
    policy: PolicyOverride | None = None
    transition: str | None = None
    transition_reason: str | None = None
    transition_tries: int = 0
    is_given_up: bool = False
    config_fault: str | None = None
    wanted_version: int | None = None

    @property
    def state(self) -> str:
        """Enabled or disabled, what is under way, or failed; as the column of that name says it."""
        if self.transition is None:
            return "enabled" if self.enabled else "disabled"
        return "failed" if self.is_given_up else self.transition

    def __repr__(self) -> str:
        return f"StoredInstallation(id={self.id}, store_id={self.store_id}, slug={self.slug}, revision={self.revision})"

    @property
    def public(self) -> Installation:
        """What the plugin is shown of it."""
        return Installation(
            id=self.id,
            store_id=self.store_id,
            plugin=self.slug,
            enabled=self.enabled,
            priority=self.priority,
            webhook_url=self.webhook_url,
            config_version=self.config_version,
        )


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """One change of an installation's state.

    Attributes:
        from_state: None when the plugin was not installed before.
        to_state: None when it is not installed any more.
        reason: Why something was undone, or left.
    """

    id: int
    at: datetime
    from_state: str | None
    to_state: str | None
    reason: str | None


class Target(msgspec.Struct, frozen=True):
    """Whether and where a plugin can be installed; `plugin_id` is None when the catalogue does not offer it."""

    has_store: bool
    plugin_id: UUID | None
    is_installed: bool


class Installations:
    """All stores' installations, for reading. What writes takes the caller's connection: see the functions below."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def load(self, ids: Sequence[UUID]) -> dict[UUID, StoredInstallation]:
        """Return installations by id, in one query; those that do not exist are missing from the answer."""
        async with self._pool.connection() as connection:
            return {found.id: found for found in await _read(connection, _BY_ID, {"ids": list(ids)})}

    async def list_for_store(self, store_id: UUID) -> list[StoredInstallation]:
        """Return a store's installations, by priority, then slug."""
        async with self._pool.connection() as connection:
            return await _read(connection, _OF_STORE, {"store_id": store_id})

    async def find(self, store_id: UUID, slug: str) -> StoredInstallation | None:
        """Return a store's installation of a plugin, or None."""
        async with self._pool.connection() as connection:
            return await find(connection, store_id, slug)

    async def states(
        self, store_id: UUID, slug: str, *, before: int | None = None, limit: int = 50
    ) -> list[StateChange]:
        """Return what became of a store's installations of a plugin, the newest first.

        Args:
            store_id: The store.
            slug: The plugin, installed or not.
            before: Only older ones than this id.
            limit: How many at most.
        """
        values = {"store_id": store_id, "plugin": slug, "before": before or 2**63 - 1, "limit": limit}
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(StateChange)) as rows:
            await rows.execute(_STATES, values)
            return await rows.fetchall()


async def find(connection: AsyncConnection[Any], store_id: UUID, slug: str) -> StoredInstallation | None:
    """Return a store's installation of a plugin, or None."""
    found = await _read(connection, _ONE, {"store_id": store_id, "slug": slug})
    return found[0] if found else None


async def target(connection: AsyncConnection[Any], store_id: UUID, slug: str) -> Target:
    """Say what stands in the way of an installation."""
    async with connection.cursor(row_factory=class_row(Target)) as cursor:
        await cursor.execute(_TARGET, {"store_id": store_id, "slug": slug})
        return require_row(await cursor.fetchone(), "installation")


async def insert(connection: AsyncConnection[Any], made: StoredInstallation) -> StoredInstallation:
    """Write a new installation; return it as it is kept.

    Raises:
        AlreadyInstalled: the store has one already; nothing is written.
        StoreUnknown: there is no such store.
    """
    with existing_store(made.store_id):
        row = await (await connection.execute(_INSERT, _row(made))).fetchone()
    if row is None:
        raise AlreadyInstalled(made.slug)
    return _as_kept(made, row)


async def update(
    connection: AsyncConnection[Any], changed: StoredInstallation, *, is_new: bool = False
) -> StoredInstallation:
    """Write a changed installation under the next revision; return it as it is kept.

    `is_new` keeps the revision: it is the first time that anybody sees it whole.
    """
    row = await (await connection.execute(_UPDATE, _row(changed) | {"step": int(not is_new)})).fetchone()
    return _as_kept(changed, require_row(row, "installation"))


async def delete(connection: AsyncConnection[Any], gone: StoredInstallation, *, reason: str | None = None) -> None:
    """Delete an installation with its sealed values; its states are told of it, and why."""
    values = {"id": gone.id, "plugin": gone.slug, "reason": reason}
    require_row((await connection.execute(_DELETE, values)).rowcount, "installation")


async def _read(
    connection: AsyncConnection[Any], statement: sql.Composed, values: dict[str, Any]
) -> list[StoredInstallation]:
    async with connection.cursor(row_factory=kwargs_row(_stored)) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchall()


def _stored(*, policy: dict[str, Any] | None, **columns: Any) -> StoredInstallation:
    return StoredInstallation(**columns, policy=read_override(policy))


def _row(one: StoredInstallation) -> dict[str, Any]:
    return {
        "id": one.id,
        "plugin": one.slug,
        "transition": one.transition,
        "grace_s": None if one.transition is None else GRACE_S,
        "store_id": one.store_id,
        "plugin_id": one.plugin_id,
        "config": msgspec.json.encode(one.config).decode(),
        "enabled": one.enabled,
        "priority": one.priority,
        "webhook_url": one.webhook_url,
        "webhook_secret": one.sealed.get(WEBHOOK_SECRET),
        "config_version": one.config_version,
        "policy": None if one.policy is None else msgspec.json.encode(one.policy).decode(),
        "secrets": msgspec.json.encode({at: text for at, text in one.sealed.items() if at != WEBHOOK_SECRET}).decode(),
    }


def _as_kept(one: StoredInstallation, row: Any) -> StoredInstallation:
    revision, installed_at, updated_at = row
    return msgspec.structs.replace(one, revision=revision, installed_at=installed_at, updated_at=updated_at)

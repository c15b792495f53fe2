"""The audit trail: who did what, and when (docs/adr/0037).

A line is written by the transaction that does what it tells, so that neither is there without the other. Who acts is
known at the edge, by a request or a command, and is carried to here in a context variable, as the log's facts are.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, Connection, sql
from psycopg.rows import class_row

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query

DETAIL_MAX_BYTES: Final = 16_384
"""Of JSON; a larger one is left out, and says so."""

_RECORD: Final = query(load("pideai_host.stores", "sql/audit_record.sql"))
_PAGE: Final = query(load("pideai_host.stores", "sql/audit.sql"))
_IS_THERE: Final = query("select to_regclass('pideai_host.audit') is not null")
_FORGET: Final = query("select pideai_host.forget_audit(%(days)s, %(limit)s)")
_CONDITIONS: Final = {
    "store_id": sql.SQL("store_id = %(store_id)s"),
    "plugin": sql.SQL("plugin = %(plugin)s"),
    "action": sql.SQL("action = %(action)s"),
    "user_id": sql.SQL("user_id = %(user_id)s"),
}


class Action(StrEnum):
    """What is recorded."""

    INSTALLED = "plugin.installed"
    CONFIGURED = "plugin.configured"
    ENABLED = "plugin.enabled"
    DISABLED = "plugin.disabled"
    POLICY = "plugin.policy"
    UNINSTALLED = "plugin.uninstalled"
    TESTED = "plugin.tested"
    BREAKER_RESET = "breaker.reset"
    DELIVERY_REPLAYED = "delivery.replayed"
    EVENT_REPLAYED = "event.replayed"
    REPLAY_BEGUN = "replay.begun"
    REPLAY_CANCELLED = "replay.cancelled"
    CREDITS_GRANTED = "credits.granted"
    SECRETS_ROTATED = "secrets.rotated"
    CATALOGUE_SYNCED = "catalogue.synced"
    QUARANTINE_LIFTED = "quarantine.lifted"
    BODY_FED_AGAIN = "body.fed_again"
    MIGRATED = "database.migrated"
    ROLLED_BACK = "database.rolled_back"
    CAPTURE_ENABLED = "capture.enabled"
    CAPTURE_DISABLED = "capture.disabled"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts.

    Attributes:
        kind: A user by HTTP, an operator by command line, or the host by itself.
        name: Of the operator's account.
        request_id: Of the HTTP request.
        address: The client's, as far as it can be trusted.
    """

    kind: Literal["user", "operator", "host"]
    user_id: UUID | None = None
    name: str | None = None
    request_id: str | None = None
    address: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What was done. `detail` is small, and without secrets."""

    action: Action
    plugin: str | None = None
    subject: str | None = None
    detail: dict[str, Any] = {}


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is kept."""

    id: int
    at: datetime
    store_id: UUID | None
    actor: str
    user_id: UUID | None
    actor_name: str | None
    request_id: str | None
    address: str | None
    action: str
    plugin: str | None
    subject: str | None
    detail: dict[str, Any]


_HOST: Final = Actor(kind="host")
_actor: ContextVar[Actor] = ContextVar("pideai_actor", default=_HOST)


@contextmanager
def acting(actor: Actor) -> Iterator[None]:
    """Have what is done within the block recorded as an actor's."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


async def record(connection: AsyncConnection[Any], store_id: UUID | None, lines: Sequence[Line]) -> None:
    """Write lines, in the transaction of what they tell. Without any, nothing is asked.

    Args:
        connection: In a transaction, of the runtime role or the owner.
        store_id: Whose they are; None if they belong to no one store.
        lines: In their order.
    """
    if lines:
        await connection.execute(_RECORD, _values(store_id, lines))


def record_migration(connection: Connection[Any], migration: str, *, plugin: str | None, is_undone: bool) -> None:
    """Write the line of one migration, in its transaction; before the trail itself is there, nothing is written.

    Args:
        connection: The owner's.
        migration: Its name.
        plugin: Whose it is; None for the host's own.
        is_undone: Whether it was taken back.
    """
    if connection.execute(_IS_THERE).fetchone() == (True,):
        line = Line(action=Action.ROLLED_BACK if is_undone else Action.MIGRATED, plugin=plugin, subject=migration)
        connection.execute(_RECORD, _values(None, [line]))


def _values(store_id: UUID | None, lines: Sequence[Line]) -> dict[str, Any]:
    actor = _actor.get()
    return {
        "store_id": store_id,
        "actor": actor.kind,
        "user_id": actor.user_id,
        "actor_name": actor.name,
        "request_id": actor.request_id,
        "address": actor.address,
        "lines": msgspec.json.encode([_bounded(line) for line in lines]).decode(),
    }


def _bounded(line: Line) -> dict[str, Any]:
    detail = line.detail
    if len(msgspec.json.encode(detail)) > DETAIL_MAX_BYTES:
        detail = {"left_out": f"more than {DETAIL_MAX_BYTES} bytes"}
    return {"action": line.action, "plugin": line.plugin, "subject": line.subject, "detail": detail}


class AuditTrail:
    """The trail, for reading."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self,
        *,
        store_id: UUID | None = None,
        plugin: str | None = None,
        action: str | None = None,
        user_id: UUID | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[AuditEntry]:
        """Return the newest lines that fit all that is given.

        Args:
            store_id: Of one store; None for all of them.
            plugin: About one plugin.
            action: One of `Action`.
            user_id: Of one user.
            before: Only older ones than this id.
            limit: How many at most.
        """
        values = {"store_id": store_id, "plugin": plugin, "action": action, "user_id": user_id}
        wanted = [_CONDITIONS[name] for name, value in values.items() if value is not None]
        statement = _PAGE.format(which=sql.SQL(" and ").join(wanted) if wanted else sql.SQL("true"))
        async with self._pool.connection() as connection, connection.cursor(row_factory=class_row(AuditEntry)) as rows:
            await rows.execute(statement, {**values, "before": before, "limit": limit})
            return await rows.fetchall()

    async def forget(self, days: int, *, limit: int) -> int:
        """Forget a batch of what is older; returns how many lines."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_FORGET, {"days": days, "limit": limit})).fetchone()
        return 0 if row is None else int(row[0])

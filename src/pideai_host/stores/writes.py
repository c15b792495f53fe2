"""What a change of an installation writes: its row, its lines in the audit trail and its deliveries, all or nothing."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import msgspec
from psycopg import AsyncConnection, errors

from pideai_host.stores import audit, deliveries, installations, transitions
from pideai_host.stores.audit_diff import line_of_leave, lines_of_change, lines_of_install
from pideai_host.stores.installations import StoredInstallation

Written = TypeVar("Written")

_WRITES_MAX: Final = 3


async def write_begun(connection: AsyncConnection[Any], begun: StoredInstallation) -> StoredInstallation:
    """Write a new installation that its plugin is yet to accept; the audit trail does not tell of it."""
    return await _write(connection, lambda: installations.insert(connection, begun))


async def write_new(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    """Write a new installation whose plugin has nothing to say about it."""

    async def write() -> StoredInstallation:
        kept = await installations.insert(connection, wanted)
        await audit.record(connection, kept.store_id, lines_of_install(kept))
        return kept

    return await _write(connection, write)


async def write_accepted(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    """Write what was begun as an installation that its plugin accepted."""
    return await _write(connection, lambda: _accept(connection, wanted))


async def write_resting(
    connection: AsyncConnection[Any], wanted: StoredInstallation, reason: str
) -> StoredInstallation:
    """Write what was begun as an installation that its plugin accepted, but cannot work for yet."""

    async def write() -> StoredInstallation:
        kept = await _accept(connection, msgspec.structs.replace(wanted, enabled=False))
        await transitions.end(connection, kept, reason=reason, is_kept=True)
        return msgspec.structs.replace(kept, transition_reason=transitions.shortened(reason))

    return await _write(connection, write)


async def write_change(
    connection: AsyncConnection[Any],
    stored: StoredInstallation,
    wanted: StoredInstallation,
    *,
    is_leaving: bool = False,
) -> StoredInstallation:
    """Write a changed installation; what is queued is parked, made due or cancelled as it is switched or leaves."""

    async def write() -> StoredInstallation:
        kept = await installations.update(connection, wanted)
        lines = [line_of_leave(kept)] if is_leaving else lines_of_change(stored, kept)
        await audit.record(connection, kept.store_id, lines)
        if is_leaving:
            await deliveries.cancel(connection, kept)
        elif stored.enabled and not kept.enabled:
            await deliveries.park(connection, kept)
        elif kept.enabled and not stored.enabled:
            await deliveries.resume(connection, kept)
        return kept

    return await _write(connection, write)


async def write_leave(
    connection: AsyncConnection[Any], leaving: StoredInstallation, *, reason: str | None = None
) -> None:
    """Delete the row, and cancel what intake or a replay, at work when the installation went to rest, still queued.

    In this order: a replay locks the installation, so either it is done before and its delivery is cancelled here, or
    it finds no installation.
    """

    async def write() -> None:
        await installations.delete(connection, leaving, reason=reason)
        await deliveries.cancel(connection, leaving)

    await _write(connection, write)


async def _accept(connection: AsyncConnection[Any], wanted: StoredInstallation) -> StoredInstallation:
    kept = await installations.update(connection, wanted, is_new=True)
    await audit.record(connection, kept.store_id, lines_of_install(kept))
    return kept


async def _write(connection: AsyncConnection[Any], work: Callable[[], Awaitable[Written]]) -> Written:
    """Write in one transaction, again when a worker's batch held the same messages in another order."""
    writes = 1
    while True:
        try:
            async with connection.transaction():
                return await work()
        except errors.DeadlockDetected:
            if writes == _WRITES_MAX:
                raise
            writes += 1

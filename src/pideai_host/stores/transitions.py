"""What is under way with an installation, written down before a hook is called (docs/adr/0032).

    none ── installing ──> enabled | disabled
    enabled | disabled ── enabling | reconfiguring | disabling ──> enabled | disabled
    any ── uninstalling ──> none

Whatever is left half-way is tried again by the scheduler: disabling and uninstalling are finished, the others undone.
After `TRIES_MAX` tries it is `failed` until its owner changes or uninstalls it.
"""

from enum import StrEnum
from typing import Any, Final

from psycopg import AsyncConnection

from pideai_host.db.sql import load, query
from pideai_host.stores.installations import GRACE_S, StoredInstallation
from pideai_host.stores.rows import require_row

TRIES_MAX: Final = 6
REASON_MAX_CHARS: Final = 300

_SET: Final = query(load("pideai_host.stores", "sql/installation_state.sql"))


class Transition(StrEnum):
    """What can be under way."""

    INSTALLING = "installing"
    ENABLING = "enabling"
    RECONFIGURING = "reconfiguring"
    DISABLING = "disabling"
    UNINSTALLING = "uninstalling"


async def begin(connection: AsyncConnection[Any], stored: StoredInstallation, transition: Transition) -> None:
    """Write down that something begins."""
    await _set(connection, stored, transition=transition, due_s=GRACE_S)


async def end(
    connection: AsyncConnection[Any], stored: StoredInstallation, *, reason: str | None = None, is_kept: bool = False
) -> None:
    """Write down that nothing is under way any more, and why not if it was undone; `is_kept`: in its row too."""
    kept = None if reason is None or not is_kept else shortened(reason)
    await _set(connection, stored, transition=None, reason=reason, kept_reason=kept)


async def begin_try(connection: AsyncConnection[Any], stored: StoredInstallation) -> None:
    """Count a try to finish or undo what was left, before it is made: it may be the process's last act."""
    tries = stored.transition_tries + 1
    reason = stored.transition_reason
    await _set(
        connection, stored, transition=stored.transition, tries=tries, due_s=GRACE_S * 2**tries, kept_reason=reason
    )


async def leave(
    connection: AsyncConnection[Any], stored: StoredInstallation, transition: str, *, tries: int, reason: str
) -> bool:
    """Write down that finishing or undoing failed; tell whether it is given up now."""
    gives_up = tries >= TRIES_MAX
    due_s = None if gives_up else GRACE_S * 2**tries
    cut = shortened(reason)
    await _set(connection, stored, transition=transition, tries=tries, due_s=due_s, reason=cut, kept_reason=cut)
    return gives_up


def shortened(reason: str) -> str:
    """Return a reason as it can be kept."""
    return reason.replace("\x00", "")[:REASON_MAX_CHARS]


async def _set(
    connection: AsyncConnection[Any],
    stored: StoredInstallation,
    *,
    transition: str | None,
    tries: int = 0,
    due_s: float | None = None,
    reason: str | None = None,
    kept_reason: str | None = None,
) -> None:
    values = {
        "id": stored.id,
        "plugin": stored.slug,
        "transition": transition,
        "tries": tries,
        "due_s": due_s,
        "reason": None if reason is None else shortened(reason),
        "kept_reason": kept_reason,
    }
    require_row(await (await connection.execute(_SET, values)).fetchone(), "installation")

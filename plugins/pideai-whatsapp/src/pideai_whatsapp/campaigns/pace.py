"""What a campaign does next, and how soon. Pure: the rate that spares a store's number, and what stops a campaign."""

from typing import Final

import msgspec

JITTER: Final = 0.6
"""A pause is up to so much longer, by chance; never shorter, so that the rate is the most there is."""

BACKLOG_MAX: Final = 5
"""Messages that may be under way: what a lost connection or a cancelled campaign can still let out at once."""
LAST: Final = 10
FAILING: Final = 8
"""Of the last messages, so many failed: something is wrong with the number, and the rest would fail too."""

OFF_S: Final = 60.0
UNLINKED_S: Final = 30.0
BACKLOG_S: Final = 10.0


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What decides what a campaign does next.

    Attributes:
        is_enabled: Whether the store has WhatsApp switched on.
        is_usable: Whether its channel can send.
        credits: What it may spend; None where nobody counts.
        pending: Of the campaign's last messages, how many are under way.
        failed: Of the last ones, how many failed; out of `total`.
        has_next: Whether anybody still waits for it.
    """

    is_enabled: bool = True
    is_usable: bool = True
    credits: int | None = None
    pending: int = 0
    failed: int = 0
    total: int = 0
    has_next: bool = True


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """Have the next one sent, then pause."""

    pause_s: float


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Look again later; `held` is a word for why."""

    pause_s: float
    held: str


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Rest until the owner resumes it; `reason` is a word for why."""

    reason: str


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is left to do."""


Step = HandOver | Hold | Pause | Finish


def step_of(outlook: Outlook, *, per_minute: int, chance: float) -> Step:
    """Say what a campaign does next.

    Args:
        outlook: How things stand.
        per_minute: Messages in a minute, at most.
        chance: A number from 0 to 1.
    """
    if not outlook.is_enabled:
        return Hold(pause_s=OFF_S, held="off")
    if not outlook.has_next:
        return Hold(pause_s=BACKLOG_S, held="last_messages") if outlook.pending else Finish()
    if not outlook.is_usable:
        return Hold(pause_s=UNLINKED_S, held="not_connected")
    return _what_stops(outlook) or HandOver(pause_s=pause_s(per_minute, chance))


def _what_stops(outlook: Outlook) -> Hold | Pause | None:
    if outlook.total >= LAST and outlook.failed >= FAILING:
        return Pause(reason="failing")
    if outlook.credits is not None and outlook.credits <= outlook.pending:
        return Hold(pause_s=BACKLOG_S, held="credits") if outlook.pending else Pause(reason="no_credits")
    if outlook.pending >= BACKLOG_MAX:
        return Hold(pause_s=BACKLOG_S, held="backlog")
    return None


def pause_s(per_minute: int, chance: float) -> float:
    """Return the seconds from one message to the next."""
    return 60.0 / per_minute * (1.0 + JITTER * chance)

"""The moment itself: what each trigger becomes, and the try, again and again, to find the table quiet for it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from pideai_host.api import ConfigurationError, DatabaseUnavailable
from pideai_whatsapp.cutover.definitions import replacement
from pideai_whatsapp.cutover.rows import CutoverRows, Side, Standing, Trigger
from pideai_whatsapp.cutover.scope import STORES_MAX, Scope

TRIES: Final = 40
PAUSE_S: Final = 0.5
"""Between two tries, half to one and a half of it by chance: whoever writes to the table gets on meanwhile."""

_BUSY: Final = frozenset({"55P03", "40001", "40P01"})
"""SQLSTATE of a lock that was not given in time, of what was changed meanwhile, and of a deadlock."""

Sleep = Callable[[float], Awaitable[None]]


class TriggersChanged(ConfigurationError):  # noqa: N818 - a condition of the database, not a fault of ours
    """Somebody replaced a trigger that the cutover had left another way."""


async def switch(
    rows: CutoverRows,
    stores: Collection[UUID],
    to: Side,
    scope_of: Callable[[Scope], Scope],
    *,
    sleep: Sleep = asyncio.sleep,
    chance: Callable[[], float] = random.random,
) -> datetime:
    """Change the sides of stores at one instant, whatever else writes to orders.

    Args:
        rows: The database, as its owner.
        stores: Those that change sides.
        to: Who announces from then on.
        scope_of: From the scope that is there to the one that is to be.
        sleep: Waits for some seconds.
        chance: A number from 0 to 1.

    Raises:
        DatabaseUnavailable: the table was busy every time; nothing is changed.
        TriggersChanged, TriggerUnusable: a trigger is not as it was left, or cannot be given a condition.
    """
    for attempt in range(TRIES):
        if attempt:
            await sleep(PAUSE_S * (0.5 + chance()))
        standing = await rows.standing()
        scope = scope_of(standing.scope)
        if len(scope.listed) > STORES_MAX:
            raise ConfigurationError(
                f"the triggers would have to name {len(scope.listed)} stores one by one; {STORES_MAX} is the most",
                hint="Cut all stores over with --all.",
            )
        try:
            return await rows.switch(
                stores, to, scope, revision=standing.revision, triggers=statements_of(standing, scope)
            )
        except Exception as error:  # psycopg's, which a plugin does not know
            if _sqlstate_of(error) not in _BUSY:
                raise
    raise DatabaseUnavailable(
        f"public.orders was busy in each of {TRIES} tries; nothing was changed",
        hint="Look for a long transaction that wrote to orders in pg_stat_activity, and try again.",
    )


def statements_of(standing: Standing, scope: Scope) -> list[dict[str, str]]:
    """Return, for each trigger, how it was read and the statement that makes it speak for a scope alone.

    Raises:
        TriggersChanged, TriggerUnusable: it cannot be done with one of them.
    """
    made = []
    for trigger in standing.triggers:
        original = original_of(trigger)
        made.append(
            {
                "name": trigger.name,
                "definition": trigger.definition,
                "fires": trigger.fires,
                "original": original,
                "statement": replacement(original, scope.condition),
            }
        )
    return made


def original_of(trigger: Trigger) -> str:
    """Return a trigger as it was before the cutover; somebody may have put that back already.

    Raises:
        TriggersChanged: it is neither that nor what the cutover made of it.
    """
    if trigger.original is None:
        return trigger.definition
    if trigger.is_as_left or trigger.definition == trigger.original:
        return trigger.original
    raise TriggersChanged(
        f"{trigger.name} is neither as it was before the cutover nor as the cutover left it",
        hint=f"It is: {trigger.definition}. Put back what it was ({trigger.original}) and run this again.",
    )


def _sqlstate_of(error: BaseException | None) -> str | None:
    """Find the database's code in an error or in what caused it: the host may have wrapped it."""
    while error is not None:
        code = getattr(error, "sqlstate", None)
        if isinstance(code, str):
            return code
        error = error.__cause__
    return None

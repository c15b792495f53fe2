"""The way over and the way back, step by step (docs/cutover.md).

Over: the host takes the store's changes in and waits; then, at one instant, the triggers fall silent and the host knows
what they had announced. Back: at one instant the triggers speak again; the host announces what was its own, then rests.
Each step can be repeated. What stops half-way is neither lost nor told twice: each change has one side at any moment.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.api import CommandSession, PideaiError
from pideai_whatsapp.cutover.rows import CutoverRows, CutoverState, Left, Side, StoreStanding
from pideai_whatsapp.cutover.scope import Scope
from pideai_whatsapp.cutover.switching import Sleep, switch
from pideai_whatsapp.statements import statement

LOOK_S: Final = 5.0
"""How often to look whether the host has announced what was its own."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What was done.

    Attributes:
        stores: Those that changed sides, by subdomain.
        refused: Subdomain -> why the store stays where it is.
        at: When the sides changed; None if nothing did.
    """

    stores: tuple[str, ...] = ()
    refused: dict[str, str] = {}
    at: datetime | None = None


async def cut_over(
    session: CommandSession, stores: Sequence[StoreStanding], *, is_all: bool = False, sleep: Sleep = asyncio.sleep
) -> Moved:
    """Have the host announce the changes of stores from one instant on.

    A store whose owner has WhatsApp switched off today changes sides too, and its installation stays disabled. Triggers
    that somebody put back since are taken in again, whatever stores are named.

    Args:
        session: The host.
        stores: Those that have all that is needed.
        is_all: Have the triggers speak for nobody else either, stores that are yet to come included.
        sleep: Waits for some seconds.

    Raises:
        PideaiError: nothing was changed: the table was busy, or a trigger is not as it should be.
    """
    rows = CutoverRows(session.db)
    new = [one for one in stores if one.state is not CutoverState.CUT_OVER]
    refused = await _begin(session, rows, [one for one in new if one.is_sending])
    ready = [one for one in new if one.subdomain not in refused]
    moving = [one.id for one in ready]
    begun = [one.id for one in ready if one.is_sending]
    others = await _others(rows, {one.id for one in stores} - {one.id for one in new if one.subdomain in refused})

    def scope_of(scope: Scope) -> Scope:
        if is_all:
            return Scope(is_over=True, listed=frozenset(one for one in others if scope.speaks_for(one)))
        return scope.without(moving)

    standing = await rows.standing()
    is_intact = all(one.is_as_left for one in standing.triggers)
    if not moving and is_intact and scope_of(standing.scope) == standing.scope:
        return Moved(refused=refused)

    try:
        await rows.note(moving, Side.TRIGGERS)
        at = await switch(rows, moving, Side.HOST, scope_of, sleep=sleep)
    except BaseException:  # Ctrl-C as well: no store may be left between the two sides
        await _give_up(session, rows, begun, {one.id for one in ready if one.is_working})
        raise
    for store_id in begun:  # another command that gave up meanwhile may have had it rest
        async with _alone(session, store_id):
            if await rows.is_in(store_id, CutoverState.CUT_OVER):
                await session.enable(store_id)
    return Moved(stores=tuple(one.subdomain for one in ready), refused=refused, at=at)


@asynccontextmanager
async def _alone(session: CommandSession, store_id: UUID) -> AsyncIterator[None]:
    """Let no other command enable or disable the store's installation meanwhile.

    What is written goes its own way, so that the hooks which are called see it; the lock ends with the block, or with
    the command's process.
    """
    async with session.db.transaction() as locked:
        await locked.fetch_one(statement("cutover_lock"), {"store_id": store_id})
        yield


async def _begin(session: CommandSession, rows: CutoverRows, sending: Sequence[StoreStanding]) -> dict[str, str]:
    """Have the host take the changes of stores in, and wait with them; returns which refuse, and why."""
    refused: dict[str, str] = {}
    for one in sending:
        async with _alone(session, one.id):
            await rows.prepare([one.id])
            try:
                await session.enable(one.id)
            except PideaiError as problem:
                refused[one.subdomain] = f"it cannot be enabled: {problem.message}"
                await rows.move([one.id], CutoverState.PREPARING, CutoverState.ROLLED_BACK)
    return refused


async def _give_up(
    session: CommandSession, rows: CutoverRows, begun: Collection[UUID], working: Collection[UUID]
) -> None:
    """Have the host rest again for stores that stay with the triggers."""
    for store_id in begun:
        async with _alone(session, store_id):
            if not await rows.is_in(store_id, CutoverState.PREPARING):
                continue
            if store_id not in working:
                await session.disable(store_id)
            await rows.move([store_id], CutoverState.PREPARING, CutoverState.ROLLED_BACK)


async def _others(rows: CutoverRows, taken: Collection[UUID]) -> list[UUID]:
    return [one.id for one in await rows.stores(None) if one.id not in taken]


async def give_back(
    session: CommandSession, stores: Sequence[StoreStanding], *, is_all: bool = False, sleep: Sleep = asyncio.sleep
) -> Moved:
    """Have the triggers announce the changes of stores from one instant on; `drain` is to follow.

    Args:
        session: The host.
        stores: Those to give back; one that the triggers speak for already is left alone.
        is_all: Leave the triggers as they were before anything was cut over.
        sleep: Waits for some seconds.

    Raises:
        PideaiError: nothing was changed.
    """
    rows = CutoverRows(session.db)
    standing = await rows.standing()
    begun = {one.id for one in stores if one.state is CutoverState.PREPARING}
    await _give_up(session, rows, sorted(begun), ())
    ready = [one for one in stores if one.id not in begun and not standing.scope.speaks_for(one.id)]
    moving = [one.id for one in ready]
    if not moving and (not is_all or standing.scope.is_whole):
        return Moved(stores=tuple(one.subdomain for one in stores if one.id in begun))

    await rows.note(moving, Side.HOST)
    at = await switch(
        rows, moving, Side.TRIGGERS, lambda scope: Scope() if is_all else scope.with_again(moving), sleep=sleep
    )
    return Moved(stores=tuple(one.subdomain for one in ready), at=at)


async def drain(
    session: CommandSession,
    stores: Sequence[StoreStanding],
    *,
    looks: int,
    tell: Callable[[list[Left]], None],
    sleep: Sleep = asyncio.sleep,
) -> list[Left]:
    """Wait until the host has announced what was its own, then have it rest; returns what is left after all looks.

    A store that is cut over again meanwhile, or given back by another command, is let go of: its host is not ours to
    stop.

    Args:
        session: The host.
        stores: Those that were given back.
        looks: How often to look, `LOOK_S` apart; 0 to have the host rest at once, whatever it still holds.
        tell: Gets what is left at each look.
        sleep: Waits for some seconds.
    """
    rows = CutoverRows(session.db)
    waiting = [one.id for one in stores]
    left: list[Left] = []
    for look in range(looks):
        if look:
            await sleep(LOOK_S)
        waiting = [one for one in waiting if await rows.is_in(one, CutoverState.DRAINING)]
        left = [one for one in await rows.left(waiting) if not one.is_over]
        tell(left)
        if not left:
            break
    holding = {one.store_id for one in left} if looks else set()
    for one in stores:
        if one.id in holding:
            continue
        async with _alone(session, one.id):
            if not await rows.is_in(one.id, CutoverState.DRAINING):
                continue
            if await session.installed(one.id) is not None:
                await session.disable(one.id)
            await rows.move([one.id], CutoverState.DRAINING, CutoverState.ROLLED_BACK)
    return left

"""Looks after the channels of all stores: asks what no webhook told, mends what can be mended, tells the owner once.

Webhooks fall silent, a server that starts says close of every session, a dead one says open (docs/adr/0052): so each
channel is asked in its turn, and what was asked counts only if nothing was heard meanwhile.
"""

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from pideai_host.api import JobContext, PluginContext, PluginJob
from pideai_whatsapp.channel.linking import channel_of, needs_session, own_provider, wake_if_opened, whose_of
from pideai_whatsapp.channel.notices import noted, notice_of
from pideai_whatsapp.channel.rows import ChannelRow, Whose, change
from pideai_whatsapp.channel.state import Polled, State
from pideai_whatsapp.config import WhatsAppConfig, read_config
from pideai_whatsapp.errors import ChannelBusy, InstanceForeign
from pideai_whatsapp.providers.base import ProviderProblem, SessionProvider
from pideai_whatsapp.providers.choose import webhook_target
from pideai_whatsapp.providers.signals import ConnectionState
from pideai_whatsapp.statements import statement

INTERVAL_S: Final = 10.0
SOON_S: Final = 10
OPEN_S: Final = 60
SELDOM_S: Final = 300
"""How often a channel is asked: while something is under way, while it is open, while it waits for its owner."""

STORES_MAX: Final = 1_000
AT_ONCE: Final = 8
TIMEOUT_S: Final = 120.0

FAILURES_MAX: Final = 16
"""After so many in a row the server is away, and the other stores are spared the wait."""

SILENCE: Final = timedelta(minutes=30)
"""An open channel of which nothing was heard for so long is told again where to report to."""

RESTART: Final = timedelta(minutes=1)
RESTART_EVERY: Final = timedelta(minutes=10)
"""A channel that is suspect for longer than the first has its session opened anew, no more often than the second."""


async def watch_channels(job: JobContext) -> None:
    """Ask what is to be asked now."""
    due = await job.db.fetch(
        statement("channels_due"),
        {"soon_s": SOON_S, "open_s": OPEN_S, "seldom_s": SELDOM_S, "limit": STORES_MAX},
    )
    places = asyncio.Semaphore(AT_ONCE)
    failures = 0

    async def watch(store_id: UUID) -> None:
        nonlocal failures
        async with places:
            if failures >= FAILURES_MAX:
                return
            failures = 0 if await _watch_store(job, store_id) else failures + 1

    async with asyncio.TaskGroup() as tasks:
        for row in due:
            tasks.create_task(watch(row["store_id"]))
    if failures >= FAILURES_MAX:
        job.log.error("whatsapp providers do not answer", stores=len(due))
    await job.db.execute(statement("channels_prune"))


WATCHDOG: Final = PluginJob(name="watch_channels", interval_s=INTERVAL_S, run=watch_channels, timeout_s=TIMEOUT_S)


async def _watch_store(job: JobContext, store_id: UUID) -> bool:
    """Look after one store's channel; tells whether its provider answered."""
    try:
        async with job.installation(store_id) as found:
            if found is None:
                await job.db.execute(statement("channel_checked"), {"store_id": store_id})
                return True
            config, context = found
            return await look_after(read_config(config), context)
    except Exception as error:  # noqa: BLE001 - one store's trouble is no other's
        job.log.warning("whatsapp channel not looked after", store_id=str(store_id), error=type(error).__name__)
        return True


async def look_after(config: WhatsAppConfig, context: PluginContext) -> bool:
    """Ask for a channel's state, mend it and tell of it; False if the provider does not answer."""
    row = await channel_of(config, context)
    if not needs_session(config):
        await context.db.execute(statement("channel_checked"), {"store_id": context.store_id})
        return True
    try:
        provider = await own_provider(config, row, context)
        if provider is None:
            return True
        state = await provider.state()
    except InstanceForeign:
        await context.db.execute(statement("channel_checked"), {"store_id": context.store_id})
        context.log.warning("whatsapp instance is another store's")
        return True
    except ProviderProblem as problem:
        context.log.warning("whatsapp channel not asked", problem=problem.code, response_code=problem.response_code)
        return False
    whose = whose_of(config, row)
    try:
        before, now = await change(context.db, whose, [Polled(state)], noting=_checked, row=row, tries=1)
    except ChannelBusy:
        return True  # something was heard meanwhile, which is newer than this answer
    wake_if_opened(before, now, context)
    if now.channel.state is not before.channel.state:
        context.log.info("whatsapp channel found", state=now.channel.state, before=before.channel.state, said=state)
    if notice := notice_of(before, now):
        await context.notify(notice.text, level=notice.level)
    if _is_stuck(now, state):
        await _restart(provider, whose, context)
    if _is_unheard(before, now):
        await _hook(provider, whose, context)
    return True


def _checked(row: ChannelRow) -> ChannelRow:
    return noted(replace(row, checked_at=row.at))


async def _restart(provider: SessionProvider, whose: Whose, context: PluginContext) -> None:
    """Open the session anew, as an operator would first; noted before, so that it is not done again and again."""
    await change(context.db, whose, noting=lambda row: replace(row, restarted_at=row.at))
    context.log.warning("whatsapp session restarted")
    try:
        await provider.restart()
    except ProviderProblem as problem:
        context.log.warning("whatsapp session not restarted", problem=problem.code, response_code=problem.response_code)


async def _hook(provider: SessionProvider, whose: Whose, context: PluginContext) -> None:
    """Say again where to report to."""
    try:
        await provider.set_webhook(webhook_target(context))
    except ProviderProblem as problem:
        context.log.warning("whatsapp webhook not set", problem=problem.code, response_code=problem.response_code)
        return
    await change(context.db, whose, noting=lambda row: replace(row, hooked_at=row.at))
    context.log.info("whatsapp webhook set again")


def _is_stuck(row: ChannelRow, state: ConnectionState | None) -> bool:
    """Tell whether a session says that it stands, or comes up, and does neither."""
    channel = row.channel
    is_lasting = channel.since is not None and row.at - channel.since >= RESTART
    is_due = row.restarted_at is None or row.at - row.restarted_at >= RESTART_EVERY
    return (
        channel.state is State.SUSPECT
        and is_lasting
        and is_due
        and state in (ConnectionState.OPEN, ConnectionState.CONNECTING)
    )


def _is_unheard(before: ChannelRow, now: ChannelRow) -> bool:
    """Tell whether the provider has fallen silent: nothing for long, or not even what was found just now.

    Likewise one that was never told where to report to, or by another word than today's.
    """
    if now.channel.state is not State.OPEN:
        return False
    if now.hooked_at is None or before.channel.state in (State.CONNECTING, State.CLOSED, State.REFUSED):
        return True
    last = max(now.hooked_at, now.heard_at or now.hooked_at)
    return now.at - last >= SILENCE

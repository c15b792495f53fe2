"""`pideai-host whatsapp cutover`, `rollback` and `status`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Final
from uuid import UUID

import click

from pideai_host.api import CommandContext, CommandSession, ConfigurationError, PideaiError
from pideai_whatsapp.config import ProviderName
from pideai_whatsapp.cutover.checks import missing_of_host, missing_of_store, remarks_of
from pideai_whatsapp.cutover.move import LOOK_S, Moved, cut_over, drain, give_back
from pideai_whatsapp.cutover.rows import CutoverRows, CutoverState, Left, StoreStanding
from pideai_whatsapp.cutover.words import as_data, fault_of, state_word, trigger_word, what_is_left
from pideai_whatsapp.providers.choose import KEY, URL
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.providers.signals import ConnectionState

DRAIN_S: Final = 1_200
"""The sweep looks at everything again for ten minutes, so less than that is never enough."""

Names = Sequence[str] | None

_stores = click.option("--store", "stores", multiple=True, metavar="STORE", help="By id or subdomain; may be repeated.")
_all = click.option("--all", "is_all", is_flag=True, help="All stores, those that are yet to come included.")
_check = click.option("--check", is_flag=True, help="Only say what would be done and what is missing.")

_OVER_AGAIN: Final = frozenset({CutoverState.PREPARING, CutoverState.CUT_OVER})


@click.command()
@_stores
@_all
@_check
@click.option("--install", is_flag=True, help="Install the plugin, disabled, where it is missing.")
@click.pass_obj
def cutover(command: CommandContext, *, stores: tuple[str, ...], is_all: bool, check: bool, install: bool) -> int:
    """Have the host announce orders of stores in place of today's six triggers."""
    names = _names(stores, is_all=is_all)
    return command.run(lambda session: _cutover(command, session, names, check=check, install=install))


@click.command()
@_stores
@_all
@_check
@click.option("--now", is_flag=True, help="Have the host rest at once: what it still holds is not announced.")
@click.option("--timeout-s", type=click.IntRange(0, 86_400), default=DRAIN_S, show_default=True, help="Wait so long.")
@click.pass_obj
def rollback(
    command: CommandContext, *, stores: tuple[str, ...], is_all: bool, check: bool, now: bool, timeout_s: int
) -> int:
    """Have today's six triggers announce orders of stores again."""
    names = _names(stores, is_all=is_all)
    looks = 0 if now else 1 + int(timeout_s / LOOK_S)
    return command.run(lambda session: _rollback(command, session, names, check=check, looks=looks))


@click.command()
@_stores
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.pass_obj
def status(command: CommandContext, *, stores: tuple[str, ...], as_json: bool) -> int:
    """Show who announces the orders of each store, and the triggers; exit code 1 if both would, or nobody."""
    return command.run(lambda session: _status(command, session, list(stores) or None, as_json=as_json))


def cutover_commands() -> list[click.Command]:
    """Return the commands of the cutover."""
    return [cutover, rollback, status]


def _names(stores: tuple[str, ...], *, is_all: bool) -> Names:
    if bool(stores) is is_all:
        raise click.UsageError("one of --store and --all is needed")
    return None if is_all else list(stores)


async def _cutover(
    command: CommandContext, session: CommandSession, names: Names, *, check: bool, install: bool
) -> int:
    rows = CutoverRows(session.db)
    standing = await rows.standing()
    if not standing.triggers:
        command.say("This database has none of the six triggers: there is nothing to cut over.")
        return 0
    if install and not check:
        await _install(session, await _found(rows, names))
    found = await _found(rows, names)
    host = missing_of_host(await rows.host())
    missing = {store.id: await _missing(command, session, store) for store in found}
    _warn_of(command, host, found, missing)
    ready = [store for store in found if not missing[store.id]]
    is_blocked = bool(host) or (bool(missing) and not ready) or (names is not None and len(ready) < len(found))
    if check or is_blocked:
        for store in found:
            is_done = store.state is CutoverState.CUT_OVER
            is_ready = not host and not missing[store.id]
            command.say(
                f"{store.subdomain}: {'is cut over' if is_done else 'is ready' if is_ready else 'is not ready'}"
            )
        return int(is_blocked or len(ready) < len(found))

    moved = await cut_over(session, ready, is_all=names is None)
    _say(command, moved, "announced by the host since", "nothing to do: all are cut over")
    return int(bool(moved.refused) or len(ready) < len(found))


async def _install(session: CommandSession, stores: Sequence[StoreStanding]) -> None:
    for store in stores:
        if not store.is_installed:
            await session.install(store.id, config={"provider": ProviderName.EVOLUTION.value}, enabled=False)


def _warn_of(
    command: CommandContext, host: Sequence[str], stores: Sequence[StoreStanding], missing: Mapping[UUID, Sequence[str]]
) -> None:
    for fault in host:
        command.warn(f"the host: {fault}")
    for store in stores:
        for fault in missing[store.id]:
            command.warn(f"{store.subdomain}: {fault}")
        for remark in remarks_of(store):
            command.warn(f"{store.subdomain}: note: {remark}")


async def _rollback(command: CommandContext, session: CommandSession, names: Names, *, check: bool, looks: int) -> int:
    rows = CutoverRows(session.db)
    standing = await rows.standing()
    found = [
        store
        for store in await _found(rows, names)
        if names is not None or store.state is not None or not standing.scope.speaks_for(store.id)
    ]
    if check:
        for store in found:
            command.say(f"{store.subdomain}: {state_word(store, standing)}")
        return 0
    moved = await give_back(session, found, is_all=names is None)
    _say(command, moved, "announced by the triggers since", "the triggers speak for them already")

    subdomains = {store.id: store.subdomain for store in found}
    again = await rows.stores([str(store.id) for store in found])
    draining = [store for store in again if store.state is CutoverState.DRAINING]
    told: list[str] = []

    def tell(left: list[Left]) -> None:
        lines = [f"{subdomains[one.store_id]}: {what_is_left(one)}" for one in left]
        if lines != told:
            told[:] = lines
            for line in lines:
                command.warn(line)

    left = await drain(session, draining, looks=looks, tell=tell)
    holding = {one.store_id for one in left} if looks else set()
    after = await rows.stores([str(store.id) for store in draining]) if draining else []
    moved_on = {store.id for store in after if store.state in _OVER_AGAIN}
    for store in draining:
        if store.id in moved_on:
            command.warn(f"{store.subdomain}: it was cut over again meanwhile, and is left as it is")
        elif store.id in holding:
            command.say(f"{store.subdomain}: the host still announces what was its own; run this again to wait on")
        else:
            command.say(f"{store.subdomain}: the host rests")
    return int(bool(holding or moved_on))


async def _status(command: CommandContext, session: CommandSession, names: Names, *, as_json: bool) -> int:
    rows = CutoverRows(session.db)
    standing = await rows.standing()
    found = await _found(rows, names)
    faults = {store.subdomain: fault for store in found if (fault := fault_of(store, standing))}
    if as_json:
        command.say(json.dumps(as_data(standing, found, faults), indent=2))
        return int(bool(faults))
    for trigger in standing.triggers:
        command.say(f"{trigger.name}: {trigger_word(standing, trigger.name)}")
    if not standing.triggers:
        command.say("none of the six triggers is here")
    elif not standing.can_post:
        command.say("pg_net is not here: the triggers send nothing")
    for store in found:
        since = "" if store.since is None else f" since {store.since.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        command.say(f"{store.subdomain}: {state_word(store, standing)}{since}")
    for subdomain, fault in faults.items():
        command.warn(f"{subdomain}: {fault}")
    return int(bool(faults))


async def _found(rows: CutoverRows, names: Names) -> list[StoreStanding]:
    found = await rows.stores(names)
    known = {name for store in found for name in (str(store.id), store.subdomain)}
    for name in names or ():
        if name.lower() not in known:
            raise ConfigurationError(f"there is no store {name!r}", hint="Name it by its id or its subdomain.")
    return found


async def _missing(command: CommandContext, session: CommandSession, store: StoreStanding) -> list[str]:
    if store.state is CutoverState.CUT_OVER:
        return []
    missing = missing_of_store(store)
    if missing or not store.is_sending or store.config.get("provider") != ProviderName.EVOLUTION:
        return missing
    fault = await _fault_of_evolution(command, session, store)
    return [] if fault is None else [fault]


async def _fault_of_evolution(command: CommandContext, session: CommandSession, store: StoreStanding) -> str | None:
    """Ask the provider for the store's phone: an answer proves that it is reachable and the key is right."""
    url, key = command.operator(URL), command.operator(KEY)
    if not url or not key:
        return f"the operator has not set {URL.upper()} and {KEY.upper()} of PIDEAI_PLUGIN_WHATSAPP_…"
    instance = store.config.get("instanceName") or store.subdomain
    try:
        state = await EvolutionProvider(session.http, url=url, key=key, instance=instance).state()
    except PideaiError as problem:
        return f"its provider does not answer as it should: {problem.message}"
    if state is not ConnectionState.OPEN:
        return f"its phone is not linked: Evolution says {'no such instance' if state is None else state.value}"
    return None


def _say(command: CommandContext, moved: Moved, done: str, nothing: str) -> None:
    for subdomain, why in moved.refused.items():
        command.warn(f"{subdomain}: {why}")
    if moved.at is None:
        command.say(nothing)
        return
    if not moved.stores:
        command.say("the triggers are as they should be again")
    for subdomain in moved.stores:
        command.say(f"{subdomain}: {done} {moved.at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC")

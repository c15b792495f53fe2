"""`pideai-host secrets`: which master keys seal the stores' secrets, and changing to the newest."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import open_pool
from pideai_host.settings import ensure_master_keys
from pideai_host.stores.rotation import BATCH, KeyUse, Rotation, Unreadable
from pideai_host.stores.secrets import Sealer
from pideai_host.telemetry import get_logger

NAMED_MAX: Final = 20
"""Secrets that do not open and are named one by one."""

Answer = TypeVar("Answer")

_log: Final = get_logger(__name__)


class Rotated(msgspec.Struct):
    """What a rotation did, and which secrets did not open."""

    resealed: int = 0
    waiting: int = 0
    unreadable: list[Unreadable] = []


@click.group()
def secrets() -> None:
    """See which master keys seal the stores' secrets, and seal them with the newest."""


@secrets.command()
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def status(*, as_json: bool) -> int:
    """Count the secrets that each key seals, the newest key first.

    A key of which none is left can be taken out of PIDEAI_MASTER_KEYS. Exit code 1 if a key is missing from it.
    """
    keys = _ask(lambda rotation: rotation.keys())
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(keys), indent=2).decode())
    else:
        for one in keys:
            print(f"{one.kid}: {one.secrets} {_role(one)}")
    return int(any(not one.is_held for one in keys))


@secrets.command()
@click.option("--batch", type=click.IntRange(1, 10_000), default=BATCH, show_default=True, help="Secrets at a time.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def rotate(*, batch: int, as_json: bool) -> int:
    """Seal every secret anew that is not sealed with the newest key, the first one of PIDEAI_MASTER_KEYS.

    Stores go on meanwhile; it can be stopped and begun again at any time. Every process must have the newest key first:
    see docs/settings.md. Exit code 1 if a secret is left under an older key.
    """
    with operator():
        done = _ask(_rotate, batch=batch)
    _log.info("secrets_rotated", resealed=done.resealed, waiting=done.waiting, unreadable=len(done.unreadable))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(done), indent=2).decode())
    else:
        print(f"Sealed anew: {done.resealed}. Left under older keys: {done.waiting}.")
        for one in done.unreadable[:NAMED_MAX]:
            print(f"{one.reason}; store {one.store_id}")
        if len(done.unreadable) > NAMED_MAX:
            print(f"… and {len(done.unreadable) - NAMED_MAX} more that do not open.")
    return int(done.waiting > 0)


async def _rotate(rotation: Rotation) -> Rotated:
    done = Rotated()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("Sealing anew", total=await rotation.waiting())
        async for step in rotation.run():
            done.resealed += step.resealed
            done.unreadable += step.unreadable
            progress.advance(bar, step.resealed + len(step.unreadable))
    done.waiting = await rotation.waiting()
    if done.resealed:
        await rotation.record(done.resealed)
    return done


def _role(one: KeyUse) -> str:
    if not one.is_held:
        return "that do not open: PIDEAI_MASTER_KEYS lacks the key"
    if one.is_newest:
        return "(the newest key)"
    return "still to be sealed anew" if one.secrets else "left: it can be taken out"


def _ask(question: Callable[[Rotation], Awaitable[Answer]], *, batch: int = BATCH) -> Answer:
    async def ask() -> Answer:
        settings = ensure_master_keys(database)
        url, variable = settings.database_url or "", settings.database_variable
        async with open_pool(url, min_size=1, max_size=1, name="pideai-host secrets", variable=variable) as pool:
            return await question(Rotation(pool, Sealer(settings.master_keys), batch=batch))

    with running_database(load_settings()) as database:
        return asyncio.run(ask())

"""`pideai-host plugins quarantined` and `release`: plugins that ended worker after worker and are left alone by all."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
import rich_click as click

from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import open_pool
from pideai_host.events.quarantine_rows import QuarantineRows, QuarantineState

Answer = TypeVar("Answer")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write them as a JSON array.")
def quarantined(*, as_json: bool) -> None:
    """List the plugins that all workers leave alone, since they ended one worker after another, and until when.

    What a single process leaves to others (a plugin that blocks it) stands in its log and in /health/ready.
    """
    found = _ask(QuarantineRows.all)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for one in found:
        print(_line(one))
    if not found:
        print("No plugin is quarantined.")


@click.command()
@click.argument("slug")
def release(*, slug: str) -> int:
    """Let workers call plugin SLUG again, with its crashes forgotten; they follow within seconds."""
    if _ask(lambda rows: rows.lift(slug)):
        print(f"Released {slug}: what waits for it is delivered now.")
        return 0
    print(f"{slug} is not quarantined.")
    return 1


def _line(one: QuarantineState) -> str:
    return f"{one.plugin}: {one.reason}, since {one.since:%Y-%m-%d %H:%M} UTC; tried after {one.until:%H:%M} UTC"


def _ask(question: Callable[[QuarantineRows], Awaitable[Answer]]) -> Answer:
    async def ask() -> Answer:
        url = settings.database_url or ""
        variable = settings.database_variable
        async with open_pool(url, min_size=1, max_size=1, name="pideai-host plugins", variable=variable) as pool:
            return await question(QuarantineRows(pool))

    with operator(), running_database(load_settings()) as settings:
        return asyncio.run(ask())

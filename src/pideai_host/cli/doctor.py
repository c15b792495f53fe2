"""`pideai-host doctor`: all that can be wrong with a host, in one line each, with what to do about it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from typing import Final

import msgspec
import psycopg
import rich_click as click
from rich.console import Console
from rich.text import Text

from pideai_host import telemetry
from pideai_host.api.errors import PideaiError
from pideai_host.cli.checkup import database, running, setup
from pideai_host.cli.checkup.findings import Finding, Level, fault, note
from pideai_host.cli.session import running_database
from pideai_host.db.pool import Pool, open_pool
from pideai_host.plugins.migrations import without_unmigrated
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.web.tables import REQUIRED

PIPED_WIDTH: Final = 1_000
_STYLES: Final = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.FAULT: "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write the findings as a JSON array.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings as well.")
@click.option("--worker", "of_worker", is_flag=True, help="Leave out what only `pideai-host serve` needs.")
def doctor(*, as_json: bool, strict: bool, of_worker: bool) -> int:
    """Look at settings, plugins, database and what runs, and say what is wrong and what to do about it.

    Changes nothing. Run it with the environment of the process that it is about. Exit code 1 if there is a fault.
    """
    settings = Settings.from_env()
    telemetry.set_up(level="critical", log_format=settings.log_format)  # the findings tell what the log would
    with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the output
        registry = load_registry(settings.plugins)
        found = look(settings, registry, of_server=not of_worker)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _show(found)
    bad = {Level.FAULT, Level.WARNING} if strict else {Level.FAULT}
    return int(any(one.level in bad for one in found))


def look(settings: Settings, registry: Registry, *, of_server: bool = True) -> list[Finding]:
    """Look at everything; never raises for what it finds."""
    found = [*setup.of_plugins(registry), *setup.of_keys(settings)]
    if of_server:
        found += setup.of_doors(settings)
    found += asyncio.run(setup.of_others(settings, of_server=of_server))
    if settings.embedded and not any(settings.data_dir.glob("pg*")):
        said = f"neither URL is set, and {settings.data_dir} has no database yet"
        return [*found, note("database", said, "`pideai-host serve` makes one; or set DATABASE_URL.")]
    try:
        with running_database(settings) as known:
            return [*found, *_look_inside(_with_keys(known), registry)]
    except PideaiError as error:
        return [*found, Finding.of("database", error)]


def _with_keys(settings: Settings) -> Settings:
    """Return the settings with the keys that a data folder holds; none is made here."""
    is_kept = settings.embedded and (settings.data_dir / "master_keys").exists()
    return ensure_master_keys(settings) if is_kept else settings


def _look_inside(settings: Settings, registry: Registry) -> list[Finding]:
    found = asyncio.run(_as_runtime(settings, registry))
    if any(one.level is Level.FAULT and one.about == "database" for one in found):
        return found
    if _has_owner(settings):
        found += database.of_migrations(settings, registry)
    return found


def _has_owner(settings: Settings) -> bool:
    """Tell whether the owner's URL is another one, so that there is more to see."""
    return settings.embedded or settings.admin_database_url != settings.database_url


async def _as_runtime(settings: Settings, registry: Registry) -> list[Finding]:
    try:
        async with database.connected(settings.database_url or "", settings.database_variable) as connection:
            found = await database.of_role(connection, settings)
            found += await database.of_queue(connection)
            missing = await database.of_tables(connection, REQUIRED)
            found += missing
            if not (missing or _has_owner(settings)):
                found += await _answered("migrations", database.of_ledger(connection))
            if any(one.level is Level.FAULT for one in found):
                return found
            for about, question in (
                ("catalogue", database.of_catalogue(connection, registry)),
                ("partitions", database.of_partitions(connection)),
                ("processes", running.of_processes(connection)),
                ("doors", running.of_doors(connection, settings)),
                ("lanes", running.of_lanes(connection)),
                ("plugin", running.of_plugins_left_alone(connection)),
                ("jobs", running.of_jobs(connection)),
                ("deliveries", running.of_failures(connection)),
                ("quarantine", running.of_aside(connection)),
            ):
                found += await _answered(about, question)
        found += await _answered("plugin", _with_pool(settings, partial(_unmigrated, registry)))
        if settings.master_keys:
            found += await _answered("keys", _with_pool(settings, partial(running.of_seals, settings=settings)))
    except PideaiError as error:
        return [Finding.of("database", error)]
    return found


async def _with_pool(settings: Settings, question: Callable[[Pool], Awaitable[list[Finding]]]) -> list[Finding]:
    url, variable = settings.database_url or "", settings.database_variable
    async with open_pool(url, min_size=1, max_size=1, name="pideai-host doctor", variable=variable) as pool:
        return await question(pool)


async def _unmigrated(registry: Registry, pool: Pool) -> list[Finding]:
    """Tell which plugins a process that starts would leave out, since their own tables are not as their code wants."""
    before = set(registry.definitions)
    return list(setup.of_records((await without_unmigrated(registry, pool)).records, only=before))


async def _answered(about: str, question: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await question
    except psycopg.Error as error:
        said = error.diag.message_primary or str(error).partition("\n")[0] or type(error).__name__
        return [
            fault(about, f"could not be looked at: {said}", "Is `pideai-host migrate` done, as this version needs it?")
        ]


def _show(found: Sequence[Finding]) -> None:
    """Print the findings; what plugins say is shown as it is, never read as markup."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False, highlight=False, emoji=False)
    for one in found:
        console.print(Text.assemble((f"{one.level:<8}", _STYLES[one.level]), f"{one.about:<14}{one.said}"))
        if one.hint:
            console.print(Text(f"{'':<22}hint: {one.hint}", style="dim"))
    faults = sum(one.level is Level.FAULT for one in found)
    warnings = sum(one.level is Level.WARNING for one in found)
    console.print(f"\n{faults} faults, {warnings} warnings.")

"""`pideai-host plugins`: what is installed, and what became of it."""

import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Final

import msgspec
import rich_click as click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pideai_host import telemetry
from pideai_host.cli.plugins_configs import configs
from pideai_host.cli.plugins_policy import policy
from pideai_host.cli.plugins_quarantine import quarantined, release
from pideai_host.cli.plugins_sync import sync
from pideai_host.plugins.event_types import with_event_types
from pideai_host.plugins.jobs import collect_jobs
from pideai_host.plugins.migrations import with_migrations_tried
from pideai_host.plugins.records import LoadRecord, Status
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings

if TYPE_CHECKING:
    from pideai_host.cli.app import Run

FINE: Final = frozenset({Status.READY, Status.SKIPPED})
PIPED_WIDTH: Final = 1_000
"""Characters a line when no terminal reads: one line for each plugin, so that grep shows all of it."""

_STYLES: Final = {Status.READY: "green", Status.SKIPPED: "dim", Status.PARTIAL: "yellow"}


@click.group()
def plugins() -> None:
    """See which plugins are installed, the broken ones included, and bring the catalogue up to them."""


plugins.add_command(sync)
plugins.add_command(configs)
plugins.add_command(policy)
plugins.add_command(quarantined)
plugins.add_command(release)


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="Write the records as a JSON array, with tracebacks.")
@click.option(
    "--strict", is_flag=True, help="Exit with 1 if any plugin is broken, partial, in conflict or incompatible."
)
@click.pass_obj
def list_plugins(run: "Run", *, as_json: bool, strict: bool) -> int:
    """List every installed plugin with what became of it, and why; sorted by distribution.

    Imports the plugins that PIDEAI_PLUGINS selects; needs no database. The exit code is 0 even with broken plugins,
    since the listing itself went well, unless --strict is given. Tracebacks: `pideai-host --debug plugins list`. Which
    of them all workers leave alone, since they end them, only the database knows: `pideai-host plugins quarantined`.
    """
    settings = Settings.from_env()
    telemetry.set_up(level="error", log_format=settings.log_format)  # the table tells what the log would
    with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the output
        records = _tried(load_registry(settings.plugins)).records
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(records), indent=2).decode())
    else:
        _show(records, with_tracebacks=run.is_debugging)
    return int(strict and any(record.status not in FINE for record in records))


def _tried(registry: Registry) -> Registry:
    """Ask the plugins for all that they contribute, as a host would; what is refused is noted in the records."""
    return _with_routes(collect_jobs(with_event_types(with_migrations_tried(registry))).registry)


def _with_routes(registry: Registry) -> Registry:
    """Try the plugins' routes as a host would; most have none, and then nothing of the web is imported."""
    if not registry.hooks("http_routes"):
        return registry
    from pideai_host.web.plugin_routes import mount  # noqa: PLC0415 - slow to import

    return mount(registry).registry


def _show(records: Sequence[LoadRecord], *, with_tracebacks: bool) -> None:
    """Print a table; what plugins say is shown as it is, never read as markup."""
    console = Console(
        width=None if sys.stdout.isatty() else PIPED_WIDTH, markup=False, highlight=False, emoji=False, soft_wrap=False
    )
    if not records:
        console.print("No plugins are installed.")
        return
    table = Table("slug", "version", "status", "phase", "distribution", "reason", box=box.SIMPLE)
    for record in records:
        table.add_row(
            record.slug,
            record.version,
            Text(record.status, style=_STYLES.get(record.status, "bold red")),
            record.phase,
            record.distribution,
            record.error or "",
        )
    console.print(table)
    counts = Counter(record.status for record in records)
    console.print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    for record in records if with_tracebacks else ():
        if record.traceback:
            console.print(f"\n{record.source}\n{record.traceback}")

"""`pideai-host demo`."""

import rich_click as click
from msgspec.structs import replace
from rich.console import Console

from pideai_host import telemetry
from pideai_host.cli.session import load_settings
from pideai_host.demo.run import run_demo


@click.command()
@click.option("--fresh", is_flag=True, help="Begin with an empty database.")
@click.option("--serve", is_flag=True, help="Keep the host up afterwards, until Ctrl-C.")
def demo(*, fresh: bool, serve: bool) -> None:
    """Show the main job: a real order becomes a WhatsApp message and a signed webhook, on this machine alone.

    Uses the embedded PostgreSQL, whatever DATABASE_URL says: it writes orders. Exit code 0 only if everything arrived.
    """
    settings = replace(load_settings(), embedded=True, database_url=None, admin_database_url=None)
    telemetry.set_up(level="warning", log_format="console")
    run_demo(settings, fresh=fresh, serve=serve, console=Console())

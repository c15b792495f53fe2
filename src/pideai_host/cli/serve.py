"""`pideai-host serve`: the HTTP API, with a worker inside unless told not to."""

import asyncio
import base64
import os

import rich_click as click

from pideai_host.cli.prepare import prepare
from pideai_host.cli.session import load_settings, running_database
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.telemetry import tracing
from pideai_host.web.identity import require_identity
from pideai_host.web.server import serve as serve_app
from pideai_host.web.tables import require_database


@click.command()
@click.option("--no-worker", is_flag=True, help="Take events in only; `pideai-host worker` delivers them.")
def serve(*, no_worker: bool) -> None:
    """Serve the HTTP API, with a worker inside unless told not to."""
    with running_database(load_settings(), may_make=True) as database:
        settings = ensure_master_keys(database)
        require_identity(settings)
        tracing.require(settings.traces_endpoint)
        prepare(settings)
        asyncio.run(require_database(settings))  # here it can be said in one line; the server's own process only ends
        _hand_down(settings)
        print(f"Listening on http://{settings.host}:{settings.port} (Ctrl-C stops)", flush=True)
        serve_app(settings, with_worker=not no_worker)


def _hand_down(settings: Settings) -> None:
    """Tell the server's own process, which reads the environment, what this one found out or made."""
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["ADMIN_DATABASE_URL"] = settings.admin_database_url or ""
    os.environ["PIDEAI_MASTER_KEYS"] = ",".join(
        f"{kid}:{base64.b64encode(key).decode()}" for kid, key in settings.master_keys
    )

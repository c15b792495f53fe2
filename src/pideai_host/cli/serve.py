"""`pideai-host serve` and `pideai-host worker`."""

import asyncio
import base64
import os
import signal
from contextlib import AbstractAsyncContextManager, nullcontext

import psycopg
import rich_click as click
import uvloop

from pideai_host.cli.plugins_sync import bring_up_to_date
from pideai_host.cli.session import load_settings, running_database
from pideai_host.db import migrate as migrations
from pideai_host.db.dev import apply_dev_base
from pideai_host.db.embedded import ensure_runtime_login
from pideai_host.plugins.migrations import migrate_plugins
from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.telemetry import get_logger, hush_output, tracing
from pideai_host.web.collector import set_collector_for_serving
from pideai_host.web.engine import Engine, open_engine
from pideai_host.web.identity import require_identity
from pideai_host.web.server import serve as serve_app
from pideai_host.web.tables import require_database

_log = get_logger(__name__)


@click.command()
@click.option("--no-worker", is_flag=True, help="Take events in only; `pideai-host worker` delivers them.")
def serve(*, no_worker: bool) -> None:
    """Serve the HTTP API, with a worker inside unless told not to."""
    with running_database(load_settings(), may_make=True) as database:
        settings = ensure_master_keys(database)
        require_identity(settings)
        tracing.require(settings.traces_endpoint)
        _prepare(settings)
        asyncio.run(require_database(settings))  # here it can be said in one line; the server's own process only ends
        _hand_down(settings)
        print(f"Listening on http://{settings.host}:{settings.port} (Ctrl-C stops)", flush=True)
        serve_app(settings, with_worker=not no_worker)


def _slugs(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    """Read the plugins to serve: none for all, which a variable that is not set in a shell does not ask for."""
    named = tuple(filter(None, (slug.strip() for slug in (value or "").split(","))))
    if value is not None and not named:
        raise click.UsageError("--plugins names none; leave it out to serve all")
    return named


@click.command()
@click.option(
    "--plugins",
    "only",
    metavar="SLUG,SLUG",
    default=None,
    callback=_slugs,
    help="Serve these plugins' lanes only; all unless told otherwise.",
)
def worker(*, only: tuple[str, ...]) -> None:
    """Deliver what is ready; any number may run side by side. SIGTERM or Ctrl-C stops it once its calls have ended."""
    with running_database(load_settings(), may_make=True) as database:
        settings = ensure_master_keys(database)
        _prepare(settings)
        set_collector_for_serving()
        hush_output()
        tracing.set_up(settings.traces_endpoint)
        try:
            uvloop.run(_work(settings, only))
        finally:
            tracing.shut_down()


async def _work(settings: Settings, only: tuple[str, ...]) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with (
        open_engine(settings, with_worker=True, plugins=only) as engine,
        _pages(settings, engine) as port,
    ):
        _log.info("worker_started", plugins=only or "all", port=port)
        await stopped.wait()
        _log.info("worker_stopping")


def _pages(settings: Settings, engine: Engine) -> AbstractAsyncContextManager[int | None]:
    if settings.worker_port is None:
        return nullcontext()
    from pideai_host.web.worker_pages import worker_pages  # noqa: PLC0415 - aiohttp's server, which few workers need

    return worker_pages(settings, engine, settings.worker_port)


def _prepare(settings: Settings) -> None:
    """Bring our own server up to date; an operator's database is only told what plugins there are."""
    url = settings.admin_database_url or ""
    registry = load_registry(settings.plugins)
    if settings.embedded:
        asyncio.run(_apply_base(url))
        migrations.migrate(url, install_pgmq=True)
        ensure_runtime_login(url)
        migrate_plugins(url, registry)  # what fails is logged, and its plugin refused by the processes
    asyncio.run(bring_up_to_date(settings, registry))


async def _apply_base(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)


def _hand_down(settings: Settings) -> None:
    """Tell the server's own process, which reads the environment, what this one found out or made."""
    os.environ["DATABASE_URL"] = settings.database_url or ""
    os.environ["ADMIN_DATABASE_URL"] = settings.admin_database_url or ""
    os.environ["PIDEAI_MASTER_KEYS"] = ",".join(
        f"{kid}:{base64.b64encode(key).decode()}" for kid, key in settings.master_keys
    )

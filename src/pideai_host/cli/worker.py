"""`pideai-host worker`: a process that delivers. Of the HTTP API it imports nothing."""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager, nullcontext

import rich_click as click
import uvloop

from pideai_host.cli.prepare import prepare
from pideai_host.cli.session import load_settings, running_database
from pideai_host.collector import set_collector_for_serving
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.telemetry import get_logger, hush_output, tracing
from pideai_host.web.engine import Engine, open_engine

_log = get_logger(__name__)


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
        prepare(settings)
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

"""The demo from curtain to curtain."""

import asyncio
import signal
from collections.abc import Sequence

from msgspec.structs import replace
from rich.console import Console

from pideai_host.db.embedded import EmbeddedServer
from pideai_host.demo.play import play
from pideai_host.demo.processes import HostProcess
from pideai_host.demo.stage import Stage, set_stage
from pideai_host.settings import Settings, ensure_master_keys


def run_demo(settings: Settings, *, fresh: bool, serve: bool, console: Console) -> None:
    """Play the demo on the embedded server.

    Args:
        settings: Whatever DATABASE_URL says, the demo uses the embedded server: it writes orders.
        fresh: Begin with an empty database.
        serve: Keep the host up afterwards, until Ctrl-C.
        console: Where it shows.

    Raises:
        PideaiError: it cannot start, or something did not arrive.
    """
    server = EmbeddedServer(settings.data_dir)
    if fresh:
        server.wipe()
    console.print(f"Starting the embedded PostgreSQL in {settings.data_dir}")
    with server:
        settings = replace(
            settings,
            embedded=True,
            database_url=server.urls.runtime,
            admin_database_url=server.urls.admin,
        )
        asyncio.run(_run(ensure_master_keys(settings), serve=serve, console=console))


async def _run(settings: Settings, *, serve: bool, console: Console) -> None:
    async with set_stage(settings, console.print) as stage:
        await play(stage, console)
        console.print("[green]Everything arrived.[/]")
        if serve:
            await _keep_up(stage, console)


async def _keep_up(stage: Stage, console: Console) -> None:
    console.print(f"API docs:   {stage.base_url}/docs", soft_wrap=True)
    console.print(f"Store:      {stage.store_id}", soft_wrap=True)
    console.print(f"Token:      {stage.token}", soft_wrap=True)
    console.print(
        f"Try:        curl -H 'Authorization: Bearer <token>' {stage.base_url}/api/stores/{stage.store_id}/plugins",
        soft_wrap=True,
    )
    console.print(f"Webhook:    POST {stage.base_url}/webhooks/supabase", soft_wrap=True)
    console.print(f"            X-PideAI-Webhook-Secret: {stage.webhook_secret}", soft_wrap=True)
    console.print("Ctrl-C stops everything.")
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await until_over(stopped, [stage.host, stage.worker])
    console.print("Stopping host, worker and database")


async def until_over(stopped: asyncio.Event, processes: Sequence[HostProcess]) -> None:
    """Wait until the user stops the demo.

    Raises:
        ChildFailed: a process ended by itself before that.
    """
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(one) for one in (stopped.wait(), *(process.ended() for process in processes))]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
    if not stopped.is_set():
        for process in processes:
            process.require_alive()

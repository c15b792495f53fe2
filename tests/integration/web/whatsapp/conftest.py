"""The whole host with the WhatsApp package behind real HTTP, and Evolution's stand-in, which posts its webhooks to it.

evolution  FakeEvolution; the store's instance is not there until it is made
host       the running host; `panel` asks it as the store's owner, below ``/api/stores/{id}/whatsapp``
worker     the same store's worker, running
look       runs the watchdog's look after the store's channel
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from aiohttp import web
from pideai_whatsapp.channel.watchdog import look_after
from pideai_whatsapp.config import read_config
from pideai_whatsapp.plugin import WhatsAppPlugin

from pideai_host.events.identity import emitter
from pideai_host.web.state import STATE_KEY
from whatsapp_fakes.evolution import FakeEvolution

KEY = "operator-key"
SUBDOMAIN = "arepas-probe"


@pytest.fixture
async def evolution() -> AsyncIterator[FakeEvolution]:
    async with FakeEvolution(KEY) as fake:
        yield fake


@pytest.fixture
def loaded() -> dict[str, Any]:
    return {"whatsapp": WhatsAppPlugin()}


@pytest.fixture
def configs() -> dict[str, dict[str, Any]]:
    return {"whatsapp": {"provider": "evolution"}}


@pytest.fixture
def operator(evolution: FakeEvolution) -> dict[str, str]:
    prefix = "PIDEAI_PLUGIN_WHATSAPP_"
    return {
        f"{prefix}EVOLUTION_API_URL": evolution.url,
        f"{prefix}EVOLUTION_API_KEY": KEY,
        f"{prefix}WEBHOOK_KEY": "webhook-key",
    }


@pytest.fixture
async def host(hosted: Any, loaded: dict[str, Any], operator: dict[str, str]) -> AsyncIterator[Any]:
    """The host on a socket of its own, whose address the operator has set."""
    host = await hosted(loaded)

    async def forward(request: web.Request) -> web.Response:
        answer = await host.client.request(
            request.method, request.path_qs, content=await request.read(), headers=list(request.headers.items())
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in ("content-length", "date")}
        return web.Response(status=answer.status_code, body=answer.content, headers=kept)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", forward)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        operator["PIDEAI_PLUGIN_WHATSAPP_PUBLIC_URL"] = "http://{}:{}".format(*runner.addresses[0][:2])
        yield host
    finally:
        await runner.cleanup()


class Panel:
    """The store's owner at the panel."""

    def __init__(self, host: Any, store_id: Any, owner_id: Any) -> None:
        self.host = host
        self.store_id = store_id
        self.owner_id = owner_id

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.host.ask(method, path, user_id=self.owner_id, store_id=self.store_id, **more)

    async def whatsapp(self, method: str, path: str, **more: Any) -> httpx.Response:
        return await self.ask(method, f"/whatsapp{path}", **more)

    async def status(self) -> dict[str, Any]:
        return (await self.whatsapp("GET", "/status")).json()


@pytest.fixture
async def panel(host: Any, shop: Any, way: Any) -> Panel:
    await shop.connection.execute("update public.whatsapp_settings set is_connected = false, connected_phone = null")
    [[owner_id]] = await way.rows("select owner_id from public.stores where id = %s", shop.store_id)
    return Panel(host, shop.store_id, owner_id)


@pytest.fixture
def worker(working: Any, host: Any) -> Any:
    """The store's worker; its contexts know the host's address."""
    return working


@pytest.fixture
async def linked(panel: Panel, evolution: FakeEvolution) -> FakeEvolution:
    """The store's phone, linked by the panel."""
    answer = await panel.whatsapp("POST", "/connect")
    assert answer.status_code == 200, answer.text
    evolution.scan(SUBDOMAIN, "584121234567")
    await evolution.poster.settled()
    return evolution


@pytest.fixture
def look(host: Any, panel: Panel, shop: Any) -> Callable[[], Awaitable[bool]]:
    calls = host.app.state[STATE_KEY].store_calls

    async def look() -> bool:
        context = await calls.context(shop.store_id, "whatsapp", emits_as=emitter(shop.store_id, "whatsapp"))
        answered = await look_after(read_config(context.config), context)
        await host.app.state[STATE_KEY].outbox.keep(context)
        return answered

    return look


@pytest.fixture
def channel(way: Any, shop: Any) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Read the store's channel as it is in the database."""

    async def read() -> dict[str, Any]:
        [[row]] = await way.rows(
            "select to_jsonb(c) from pideai_whatsapp.channels c where store_id = %s", shop.store_id
        )
        return row

    return read


@pytest.fixture
def age(shop: Any) -> Callable[..., Awaitable[None]]:
    """Move instants of the store's channel into the past: time passes."""

    async def pass_by(seconds: float) -> None:
        columns = ("since", "outage_since", "told_at", "heard_at", "checked_at", "hooked_at", "restarted_at")
        moved = ", ".join(f"{name} = {name} - %(by)s * interval '1 second'" for name in columns)
        await shop.connection.execute(
            f"update pideai_whatsapp.channels set {moved} where store_id = %(store)s",
            {"by": seconds, "store": shop.store_id},
        )

    return pass_by


@pytest.fixture
def notices(way: Any, shop: Any) -> Callable[[], Awaitable[list[str]]]:
    async def read() -> list[str]:
        rows = await way.rows("select message from pideai_host.notices where store_id = %s order by id", shop.store_id)
        return [row[0] for row in rows]

    return read

"""A stream served by one process tells of what another one delivers, and holds up no stop."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
import pytest
from tests.auth_server import keys_served

from pideai_host.plugins.registry import load_registry
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.testing.tokens import TokenSigner

ISSUER = "https://project.test/auth/v1"
SECRET = "0123456789abcdef"
PATIENCE_S = 60.0
STOP_S = 20.0
"""Far less than granian waits for connections that stay open."""


@pytest.fixture
async def keys_at() -> AsyncIterator[tuple[TokenSigner, str]]:
    signer = TokenSigner(ISSUER)
    async with keys_served(signer) as url:
        yield signer, url


@pytest.fixture
def environ(environ, port, keys_at) -> dict[str, str]:
    return {
        **environ,
        "PIDEAI_WEBHOOK_SECRETS": SECRET,
        "PIDEAI_PORT": str(port),
        "PIDEAI_PLUGINS": "webhook-bridge",
        "SUPABASE_JWKS_URL": keys_at[1],
        "SUPABASE_JWT_ISSUER": ISSUER,
    }


@asynccontextmanager
async def running(environ: dict[str, str], *words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pideai_host", *words), env=environ, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), PATIENCE_S)


async def ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                if (await client.get("/health/ready")).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


@pytest.fixture
async def owner_id(admin_conn, shop) -> UUID:
    """The shop's owner; the webhook bridge is installed, with no address to deliver to."""
    await sync_catalogue(admin_conn, load_registry(frozenset({"webhook-bridge"})).definitions.values())
    await admin_conn.execute(
        "insert into public.store_plugins (store_id, plugin_id) select %s, id from public.plugins", (shop.store_id,)
    )
    cursor = await admin_conn.execute("select owner_id from public.stores where id = %s", (shop.store_id,))
    return (await cursor.fetchone())[0]


async def test_another_processs_deliveries_are_told_and_a_stop_does_not_wait_for_the_stream(
    shop, owner_id, environ, port, keys_at
):
    headers = {"authorization": f"Bearer {keys_at[0].token(owner_id)}"}
    async with (
        running(environ, "serve", "--no-worker") as serving,
        running(environ, "worker"),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client,
    ):
        await ready(client)
        path = f"/api/stores/{shop.store_id}/stream"
        async with client.stream("GET", path, headers=headers) as stream:
            lines = stream.aiter_lines()
            assert await _next(lines) == ("ready", {"store_id": str(shop.store_id)})
            body = await shop.order()
            taken = await client.post("/webhooks/supabase", content=body, headers={"X-PideAI-Webhook-Secret": SECRET})
            assert taken.status_code == 202
            statuses = []
            while statuses[-1:] != ["failed"]:
                name, told = await _next(lines)
                assert name == "delivery"
                statuses.append(told["status"])
            assert set(statuses) <= {"pending", "failed"}

            serving.send_signal(signal.SIGTERM)
            assert await _next(lines) == ("end", {"reason": "stopping"})
            assert await asyncio.wait_for(serving.wait(), STOP_S) == 0


async def _next(lines: AsyncIterator[str]) -> tuple[str, dict[str, object]]:
    """Return the next event of a stream."""
    name = ""
    async with asyncio.timeout(PATIENCE_S):
        async for line in lines:
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                return name, json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream is over")

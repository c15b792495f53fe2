"""A real receiver on loopback, the real guarded client, and a context that holds them."""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from pideai_webhook_bridge.plugin import WebhookBridge

from pideai_host.api import DeliveryInfo, EventType, Installation, OrderCreatedPayload, OrderItem, PluginEvent
from pideai_host.outgoing.client import OutgoingClient, make_client

STORE = UUID("00000000-0000-4000-8000-000000000001")
DELIVERY = UUID("00000000-0000-4000-8000-0000000000d1")
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Received:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    port: int = 0
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    then: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    received: list[Received] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?shop=1"

    def answers(self, status: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
        self.answer = "\r\n".join(lines).encode() + body

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                self.received.append(Received(headers, await reader.readexactly(int(headers["content-length"]))))
                writer.write(self.answer)
                if self.then is not None:
                    await self.then(reader, writer)
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


class FakeSecrets:
    def __init__(self) -> None:
        self.values: dict[str, str] = {"webhook_secret": SECRET}

    async def get(self, name: str) -> str | None:
        return self.values.get(name)


class FakeLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def debug(self, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    served = Receiver()
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    yield served
    listening.close()


@pytest.fixture
async def http() -> AsyncIterator[OutgoingClient]:
    async with make_client(allow=(ip_network("127.0.0.0/8"),)) as client:
        yield client


@pytest.fixture
def installation(receiver: Receiver) -> Installation:
    return Installation(id=UUID(int=7), store_id=STORE, plugin="webhook-bridge", webhook_url=receiver.url)


@pytest.fixture
def context(installation: Installation, http: OutgoingClient) -> Any:
    return SimpleNamespace(
        store_id=STORE,
        plugin="webhook-bridge",
        installation=installation,
        delivery=DeliveryInfo(id=DELIVERY, attempt=1),
        http=http,
        secrets=FakeSecrets(),
        log=FakeLog(),
    )


@pytest.fixture
def event() -> PluginEvent:
    return PluginEvent(
        id=UUID("00000000-0000-4000-8000-0000000000e1"),
        type=EventType.ORDER_CREATED,
        store_id=STORE,
        timestamp=datetime(2025, 11, 23, 4, 0, tzinfo=UTC),
        payload=OrderCreatedPayload(
            order_id=UUID(int=3),
            order_number="00000000",
            status="pending",
            customer_name="María Peña",
            customer_phone="+584121234567",
            order_type="delivery",
            total=Decimal("12.50"),
            currency="USD",
            items=(OrderItem(name="Arepa", quantity=2, unit_price=Decimal("6.25")),),
            items_complete=True,
        ),
    )


@pytest.fixture
def bridge() -> WebhookBridge:
    return WebhookBridge()

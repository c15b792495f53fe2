"""One webhook out: what it costs the worker's own process, beside aiohttp's own client. No database.

`post` is `context.http` against an `aiohttp.ClientSession`: the same body and headers to the same receiver. `webhook`
is the bridge's hook with the context that the host gives it, secret opened and body signed, against what the bare loop
does for one message. CPU moves with whatever else the machine does; the bytecodes that Python executes do not.
"""

import asyncio
import gc
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import msgspec
from pideai_webhook_bridge.plugin import WebhookBridge

from benchmarks import orders
from benchmarks.bare import delivery as bare
from benchmarks.figures import Figure, compared
from benchmarks.harness import Options
from benchmarks.loop import on_workers_loop
from benchmarks.ports import free_port
from benchmarks.processes import Process
from benchmarks.ready import BRIDGE
from pideai_host.api import DeliveryInfo, EventType, OrderCreatedPayload, PluginEvent
from pideai_host.collector import set_collector_for_serving
from pideai_host.outgoing.client import OutgoingClient, make_client
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import WEBHOOK_SECRET, StoredInstallation
from pideai_host.stores.secrets import Sealer, generate_webhook_secret

CALLS: Final = 3_000
AT_ONCE: Final = 100
STORE: Final = UUID(int=1)

Call = Callable[[], Awaitable[Any]]


async def run(options: Options) -> list[Figure]:
    """Measure calls, on the loop that workers run on."""
    thresholds = gc.get_threshold()
    set_collector_for_serving()
    try:
        return await on_workers_loop(_measure(options.rounds))
    finally:
        gc.set_threshold(*thresholds)


async def _measure(rounds: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(_receiver())
        http = await stack.enter_async_context(make_client(allow=(ip_network("127.0.0.0/8"),)))
        timeout = aiohttp.ClientTimeout(total=bare.TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
        payload, secret = orders.created_payload(STORE, with_items=True), generate_webhook_secret()
        return [
            *await _compared("call.post", rounds, _post(http, url, payload), _post_bare(session, url, payload)),
            *await _compared(
                "call.webhook",
                rounds,
                _webhook(http, url, secret, payload),
                _webhook_bare(session, url, secret, payload),
            ),
        ]


async def _compared(name: str, rounds: int, ours: Call, theirs: Call) -> list[Figure]:
    await _together(ours, AT_ONCE)
    await _together(theirs, AT_ONCE)
    pairs = [(await _us(ours), await _us(theirs)) for _ in range(rounds)]
    codes = await _bytecodes(ours), await _bytecodes(theirs)
    return [
        compared(f"{name}.cpu", "us/call", [mine for mine, _ in pairs], [other for _, other in pairs]),
        compared(f"{name}.bytecodes", "per call", [codes[0]], [codes[1]]),
    ]


@asynccontextmanager
async def _receiver() -> AsyncIterator[str]:
    port = free_port()
    with TemporaryDirectory(prefix="pideai-benchmarks-") as folder:
        async with Process("-m", "benchmarks.sink", str(port), environ={}, log=Path(folder) / "sink.log") as sink:
            await sink.line()
            yield f"http://127.0.0.1:{port}/hook"


def _headers() -> dict[str, str]:
    return {"content-type": "application/json", "webhook-id": str(uuid4()), "webhook-timestamp": "1764043200"}


def _post(http: OutgoingClient, url: str, payload: str) -> Call:
    body = payload.encode()

    async def call() -> None:
        await http.post(url, content=body, headers=_headers())

    return call


def _post_bare(session: aiohttp.ClientSession, url: str, payload: str) -> Call:
    body = payload.encode()

    async def call() -> None:
        async with session.post(url, data=body, headers=_headers()) as answer:
            await answer.read()

    return call


def _webhook(http: OutgoingClient, url: str, secret: str, payload: str) -> Call:
    sealer, now = Sealer([("k1", bytes(32))]), datetime.now(UTC)
    stored = StoredInstallation(
        id=UUID(int=2),
        store_id=STORE,
        plugin_id=UUID(int=3),
        slug=BRIDGE,
        config={},
        enabled=True,
        priority=0,
        webhook_url=url,
        config_version=1,
        revision=1,
        sealed={WEBHOOK_SECRET: sealer.seal(secret, STORE, BRIDGE, WEBHOOK_SECRET)},
        installed_at=now,
        updated_at=now,
    )
    no_database: Any = None
    contexts, bridge = ContextFactory(no_database, http, sealer, {}), WebhookBridge()
    order = msgspec.json.decode(payload, type=OrderCreatedPayload)

    async def call() -> None:
        context = contexts.make(stored, DeliveryInfo(id=uuid4(), attempt=1))
        event = PluginEvent(id=uuid4(), type=EventType.ORDER_CREATED, store_id=STORE, timestamp=now, payload=order)
        await bridge.handle_event(event, context.config, context)

    return call


def _webhook_bare(session: aiohttp.ClientSession, url: str, secret: str, payload: str) -> Call:
    receiver = bare.Receiver(session, url, bare.key_of(secret))

    async def call() -> None:
        await bare.post(receiver, bare.Message(1, str(uuid4()), str(uuid4()), EventType.ORDER_CREATED, payload))

    return call


async def _together(call: Call, calls: int) -> None:
    for _ in range(calls // AT_ONCE):
        await asyncio.gather(*(call() for _ in range(AT_ONCE)))


async def _us(call: Call) -> float:
    began_s = time.thread_time()
    await _together(call, CALLS)
    return (time.thread_time() - began_s) / CALLS * 1_000_000


async def _bytecodes(call: Call) -> float:
    executed = 0

    def count(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal executed
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        executed += event == "opcode"
        return count

    sys.settrace(count)
    try:
        await _together(call, AT_ONCE)
    finally:
        sys.settrace(None)
    return executed / AT_ONCE

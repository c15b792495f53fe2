"""The peer and the host in turn: the same client (wrk), the same receiver (nginx), the same server for both databases.

The bodies are the same too, and the signatures; both keep each order and its delivery before they answer 202. What is
not the same: the peer writes to two stores, so a crash between them leaves a delivery that nobody makes, and Redis
writes its log down once a second; it has no stores, plugins, limits or delivery log.
"""

import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from uuid import uuid4

import msgspec
from rich.console import Console

from benchmarks import delivery, intake
from benchmarks.delivery import Drained
from benchmarks.figures import Figure, compared
from benchmarks.fill.stores import add_stores
from benchmarks.harness import Bench
from benchmarks.intake import Round
from benchmarks.meter import Meter
from benchmarks.peers import nest, tools
from benchmarks.places import Place
from benchmarks.ports import free_port, wait_until_answering
from benchmarks.processes import BenchmarkFailed

WARM_UP_S: Final = 3.0
STRAGGLERS: Final = tools.CONNECTIONS
"""Requests under way when wrk hangs up: accepted, and counted by nobody but the database."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two, taking orders in."""

    port: int
    meter: Meter
    clear: Callable[[], Awaitable[None]]
    counts: Callable[[], Awaitable[list[int]]]


async def run(bench: Bench) -> list[Figure]:
    """Measure both, if the peer's sources and what they need are here; else say what is missing."""
    sources, lacks = bench.options.peers, tools.missing()
    if sources is None or lacks or not (sources / nest.FOLDER).exists():
        reason = f"missing: {', '.join(lacks)}" if lacks else "--peers DIR names a folder with nest-bullmq in it"
        Console(stderr=True).print(f"peers are left out: {reason}")
        return []
    app = bench.options.peers_env or Path(tempfile.gettempdir(), "pideai-peers")
    await nest.build(sources, app, bench.folder / "build.log")
    return await _run(bench, sources, app)


async def _run(bench: Bench, sources: Path, app: Path) -> list[Figure]:
    sink_port, redis_port, token = free_port(), free_port(), uuid4().hex
    hook_url = f"http://127.0.0.1:{sink_port}/hook"
    async with AsyncExitStack() as stack:
        for process, port in (
            (tools.nginx(bench.folder, sink_port), sink_port),
            (redis := tools.redis(bench.folder, redis_port), redis_port),
        ):
            await wait_until_answering(port, await stack.enter_async_context(process))
        peer = await stack.enter_async_context(
            nest.opened(bench, sources, app, redis=redis, redis_port=redis_port, hook_url=hook_url, token=token)
        )
        place = await stack.enter_async_context(bench.copy("beside"))
        place = msgspec.structs.replace(place, targets=await add_stores(bench, place, 1, url=hook_url))
        receiver = tools.Receiver(bench.client, sink_port)
        taken, delivered = [], []
        for _ in range(bench.options.rounds):
            taken.append((await _host_intake(bench, place, token), await _peer_intake(bench, place, peer, token)))
            delivered.append(await _deliver(bench, place, peer, receiver))
    return [*_intake_figures(taken), *_delivery_figures(delivered)]


async def _host_intake(bench: Bench, place: Place, token: str) -> Round:
    port = free_port()
    environ = {"PIDEAI_HOST": "127.0.0.1", "PIDEAI_PORT": str(port)}
    async with bench.host_process("serve", place, "serve", "--no-worker", **environ) as process:
        await wait_until_answering(port, process)
        side = Side(port=port, meter=bench.meter(process), clear=place.clear, counts=place.counts)
        return await _measure(bench, place, side, token)


async def _peer_intake(bench: Bench, place: Place, peer: nest.Nest, token: str) -> Round:
    port = free_port()
    async with peer.process("api.js", PORT=str(port)) as process:
        await wait_until_answering(port, process)
        side = Side(port=port, meter=bench.meter(process, peer.redis), clear=peer.clear, counts=peer.counts)
        return await _measure(bench, place, side, token)


async def _measure(bench: Bench, place: Place, side: Side, token: str) -> Round:
    await side.clear()
    store_id = place.targets[0].store_id
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {token}",
        "X-PideAI-Webhook-Secret": bench.webhook_secret,
    }
    warm = await tools.wrk(bench.folder, side.port, store_id, headers, WARM_UP_S)
    before = await side.meter.read()
    outcome = await tools.wrk(bench.folder, side.port, store_id, headers, bench.options.seconds)
    spent = (await side.meter.read()).since(before)
    _require_all(await side.counts(), warm.accepted + outcome.accepted)
    return Round(outcome, spent.each(outcome.accepted))


def _require_all(counts: Sequence[int], accepted: int) -> None:
    events, *others = counts
    if any(other != events for other in others) or not accepted <= events <= accepted + 2 * STRAGGLERS:
        raise BenchmarkFailed(f"{accepted} accepted, but events, deliveries and messages are {list(counts)}")


async def _deliver(bench: Bench, place: Place, peer: nest.Nest, receiver: tools.Receiver) -> tuple[Drained, ...]:
    """Work a backlog off: the host with one worker, with two, and the peer with its two."""
    ours = delivery.host_side(bench, place)
    theirs = delivery.Side(peer.seed, peer.left, lambda: peer.process("worker.js"), beside=[peer.redis])
    return (
        await delivery.drain(bench, ours, received=receiver.counts),
        await delivery.drain(bench, ours, workers=2, received=receiver.counts),
        await delivery.drain(bench, theirs, workers=nest.WORKERS, received=receiver.counts),
    )


def _intake_figures(rounds: Sequence[tuple[Round, Round]]) -> list[Figure]:
    ours, theirs = zip(*rounds, strict=True)
    return [
        *intake.outcome_figures("peers.intake", [one.outcome for one in ours], [one.outcome for one in theirs]),
        compared(
            "peers.intake.cpu", "us/event", [one.spent.cpu_us for one in ours], [one.spent.cpu_us for one in theirs]
        ),
    ]


def _delivery_figures(rounds: Sequence[tuple[Drained, ...]]) -> list[Figure]:
    one, two, theirs = zip(*rounds, strict=True)
    figures = []
    for name, ours in (("one_worker", one), ("two_workers", two)):
        figures += [
            compared(
                f"peers.delivery.{name}.rate",
                "webhooks/s",
                [each.rate for each in ours],
                [each.rate for each in theirs],
            ),
            compared(
                f"peers.delivery.{name}.cpu",
                "us/delivery",
                [each.spent.cpu_us for each in ours],
                [each.spent.cpu_us for each in theirs],
            ),
        ]
    return figures

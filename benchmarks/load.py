"""The storefronts: orders posted over kept-alive connections, each with an id of its own.

Run as a process of its own: `python -m benchmarks.load PORT SECRET CONNECTIONS WARM_UP_S SECONDS MOST STORE_ID…`; the
stores take turns, and it ends earlier when MOST orders are sent. Writes ``warm`` when the measured time begins and at
the end one line of JSON, see `Outcome`.
"""

import asyncio
import secrets
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import cast
from uuid import UUID

import msgspec
import uvloop

from benchmarks.orders import PLACEHOLDER, change_body


class Outcome(msgspec.Struct, frozen=True):
    """What the run saw.

    Attributes:
        accepted: Requests answered 202, from the very first one on.
        refused: Requests answered anything else, or not at all.
        measured: Accepted after the warm-up, those still under way at the end included.
        rate: Accepted per second within the measured time.
        p50_ms: Median latency within it.
        p99_ms: The latency that one in a hundred exceeded.
    """

    accepted: int
    refused: int
    measured: int
    rate: float
    p50_ms: float
    p99_ms: float


class Load:
    """All connections of one run, and what they counted."""

    def __init__(
        self, stores: Sequence[UUID], secret: str, *, warm_up_s: float, seconds: float, most: int = sys.maxsize
    ) -> None:
        self._most = most
        self._requests = [_request(store_id, secret) for store_id in stores]
        self._run = secrets.token_hex(4)
        self._sent = 0
        self._starts_s = perf_counter() + warm_up_s
        self._seconds = seconds
        self._latencies_s: list[float] = []
        self._late = 0
        self.accepted = self.refused = 0

    @property
    def is_over(self) -> bool:
        """Whether no more requests are to be sent."""
        return self._sent >= self._most or perf_counter() >= self._starts_s + self._seconds

    def request(self) -> bytes:
        """Return the next order's request."""
        before, after = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        return b"%b%s-0000-4000-8000-%012x%b" % (before, self._run.encode(), self._sent, after)

    def answered(self, head: bytes, sent_s: float) -> None:
        """Count an answer."""
        now_s = perf_counter()
        if not head.startswith(b"HTTP/1.1 202"):
            self.refused += 1
            return
        self.accepted += 1
        if now_s >= self._starts_s + self._seconds:
            self._late += 1
        elif now_s >= self._starts_s:
            self._latencies_s.append(now_s - sent_s)

    def outcome(self) -> Outcome:
        """Sum up."""
        ordered = sorted(self._latencies_s)
        count = len(ordered)
        return Outcome(
            accepted=self.accepted,
            refused=self.refused,
            measured=count + self._late,
            rate=count / self._seconds,
            p50_ms=ordered[count // 2] * 1_000 if count else 0.0,
            p99_ms=ordered[count * 99 // 100] * 1_000 if count else 0.0,
        )


def _request(store_id: UUID, secret: str) -> tuple[bytes, bytes]:
    """Return a store's request, cut where the order's id goes."""
    body = change_body(store_id)
    head = (
        "POST /webhooks/supabase HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\nContent-Type: application/json\r\n"
        f"User-Agent: pg_net/0.20.4\r\nX-PideAI-Webhook-Secret: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    before, after = (head.encode() + body).split(str(PLACEHOLDER).encode())
    return before, after


class Connection(asyncio.Protocol):
    """One kept-alive connection: a request, its whole answer, the next request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""
        self._sent_s = 0.0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none of asyncio's classes
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        size = answer_size(self._received)
        if size is None or len(self._received) < size:
            return
        head, self._received = self._received, b""
        self._load.answered(head, self._sent_s)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ended.done():
            self._load.refused += 1  # a request was under way
            self.ended.set_result(None)

    def _send(self) -> None:
        if self._transport is None:
            return
        if self._load.is_over:
            self.ended.set_result(None)
            self._transport.close()
            return
        self._sent_s = perf_counter()
        self._transport.write(self._load.request())


def answer_size(received: bytes) -> int | None:
    """Return how many bytes an answer has in all, None while its head is not complete."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    _, found, rest = received[:end].lower().partition(b"\r\ncontent-length:")
    return end + 4 + (int(rest.split(b"\r\n", 1)[0]) if found else 0)


async def _run(port: int, load: Load, *, connections: int, warm_up_s: float) -> None:
    loop = asyncio.get_running_loop()
    made = [await loop.create_connection(lambda: Connection(load), "127.0.0.1", port) for _ in range(connections)]
    await asyncio.sleep(warm_up_s)
    print("warm", flush=True)
    await asyncio.gather(*(connection.ended for _, connection in made))
    print(msgspec.json.encode(load.outcome()).decode(), flush=True)


def main() -> None:
    """Run as the arguments say."""
    port, secret, connections, warm_up_s, seconds, most, *stores = sys.argv[1:]
    load = Load(
        [UUID(store) for store in stores],
        secret,
        warm_up_s=float(warm_up_s),
        seconds=float(seconds),
        most=int(most),
    )
    uvloop.run(_run(int(port), load, connections=int(connections), warm_up_s=float(warm_up_s)))


if __name__ == "__main__":
    main()

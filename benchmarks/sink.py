"""The receiver of webhooks: takes each one, answers 200, counts. `GET` answers the counts as JSON.

Run as a process of its own: `python -m benchmarks.sink PORT`; writes ``listening`` when it does.
"""

import asyncio
import sys
from typing import Final, cast

import msgspec
import uvloop

_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


class Counts(msgspec.Struct):
    """What arrived since the start.

    Attributes:
        posts: Requests.
        distinct: Values of ``webhook-id`` among them.
    """

    posts: int = 0
    distinct: int = 0


class Sink(asyncio.Protocol):
    """One connection; no pipelining, bodies by Content-Length."""

    counts: Final = Counts()
    seen: Final[set[bytes]] = set()

    def __init__(self) -> None:
        self._transport: asyncio.WriteTransport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)  # uvloop's is none of asyncio's classes

    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0 or self._transport is None:
            return
        head, body = self._received[:end].lower(), self._received[end + 4 :]
        if len(body) < int(header(head, b"content-length") or 0):
            return
        is_post, self._received = self._received.startswith(b"POST "), b""
        self._transport.write(self.take(head, body) if is_post else self._tell())

    def take(self, head: bytes, body: bytes) -> bytes:  # noqa: ARG002 - for those who look into it
        """Count a webhook and return the answer; the head in lower case."""
        self.counts.posts += 1
        self.seen.add(header(head, b"webhook-id"))
        return _OK

    def _tell(self) -> bytes:
        self.counts.distinct = len(self.seen)
        body = msgspec.json.encode(self.counts)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def header(head: bytes, name: bytes) -> bytes:
    """Return a header's value, empty if it is missing; head and name in lower case."""
    _, _, rest = head.partition(b"\r\n" + name + b":")
    return rest.split(b"\r\n", 1)[0].strip()


async def _serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port, backlog=1_024)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    """Listen until SIGTERM."""
    uvloop.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()

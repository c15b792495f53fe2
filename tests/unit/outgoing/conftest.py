"""A scripted HTTP server on loopback, byte for byte, and the client that may reach it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from pideai_host.outgoing.client import OutgoingClient, make_client

LOOPBACK = (ip_network("127.0.0.0/8"),)
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    port: int = 0
    script: Script | None = None
    answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await read_head(reader):
                self.requests.append(head + await read_body(reader, head))
                self.arrived.set()
                if self.script is not None:
                    await self.script(reader, writer)
                    return
                writer.write(self.answer)
        except ConnectionError:
            return
        finally:
            writer.close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def read_body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    lower = head.lower()
    if b"transfer-encoding: chunked" in lower:
        return await reader.readuntil(b"0\r\n\r\n")
    if b"content-length:" not in lower:
        return b""
    return await reader.readexactly(int(lower.split(b"content-length:")[1].split(b"\r\n")[0]))


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    served = Server()
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    yield served
    listening.close()


@pytest.fixture
async def http() -> AsyncIterator[OutgoingClient]:
    async with make_client(allow=LOOPBACK) as client:
        yield client

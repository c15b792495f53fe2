"""A stand-in for Supabase's auth server: it has keys, and whoever asks gets them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pideai_host.testing.tokens import TokenSigner


@asynccontextmanager
async def keys_served(signer: TokenSigner) -> AsyncIterator[str]:
    """Serve a signer's keys over HTTP; gives their URL."""
    body = json.dumps(signer.jwks()).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/jwks.json"

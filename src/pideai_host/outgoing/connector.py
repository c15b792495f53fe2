"""Connections that the guard has seen: each name's addresses when it is resolved, each address when it is dialled.

The check is on the very address that is connected to, so a name that changes its address between two look-ups (DNS
rebinding), a literal address and an odd way of writing one all meet it.
"""

import asyncio
import functools
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult

from pideai_host.outgoing.guard import Network, is_reachable

CONNECTIONS_MAX: Final = 1_000
"""Connections at once in one process, below the usual limit of 1,024 open files."""

KEEPALIVE_S: Final = 30.0
DNS_CACHE_S: Final = 30
DNS_THREADS: Final = 32


class Refused(OSError):  # noqa: N818 - a condition, as AddressRefused is
    """No address that may be connected to; becomes `AddressRefused` at the edge."""


class GuardedResolver(AbstractResolver):
    """The system's resolver without the addresses that may not be reached.

    It has threads of its own: names whose servers never answer must not hold up the threads of sync hooks.
    """

    def __init__(self, allow: tuple[Network, ...]) -> None:
        self._allow = allow
        self._threads = ThreadPoolExecutor(DNS_THREADS, thread_name_prefix="pideai-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up.

        Raises:
            socket.gaierror: no such name.
            Refused: it has addresses, and none may be reached.
        """
        ask = functools.partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        answers = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        found = [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=0)
            for kind, _, proto, _, address in answers
            if is_reachable(str(address[0]), self._allow)
        ]
        if not found:
            raise Refused("no address that may be reached")
        return found

    async def close(self) -> None:
        """Take no more names; a look-up under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedConnector(aiohttp.TCPConnector):
    """The pool of connections that all plugins of a process share."""

    def __init__(self, allow: tuple[Network, ...]) -> None:
        self._allow = allow
        self._guarded_resolver = GuardedResolver(allow)
        super().__init__(
            ssl=_ssl_context(),
            resolver=self._guarded_resolver,
            socket_factory=self._guarded_socket,
            ttl_dns_cache=DNS_CACHE_S,
            limit=CONNECTIONS_MAX,
            keepalive_timeout=KEEPALIVE_S,
        )

    async def aclose(self) -> None:
        """Close every connection and the resolver's threads."""
        await self.close()
        await self._guarded_resolver.close()

    def _guarded_socket(self, target: tuple[Any, ...]) -> socket.socket:
        family, kind, proto, _, address = target
        if not is_reachable(str(address[0]), self._allow):
            raise Refused("not an address that may be reached")
        return socket.socket(family, kind, proto)


@functools.cache
def _ssl_context() -> ssl.SSLContext:
    """Httpx's own: certifi's authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR. Once: it takes 20 ms."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context

"""From aiohttp's errors to httpx's, which is what a plugin's author knows. Messages are one line and name the host."""

import os
import socket
import ssl

import aiohttp
import httpx

from pideai_host.api.errors import AddressRefused
from pideai_host.outgoing.connector import Refused


def httpx_error(error: Exception, *, host: str, left: bool) -> httpx.HTTPError:
    """Return what to raise for a request to `host` that ended with `error`.

    Args:
        error: aiohttp's, a time-out, or a ValueError of its checks.
        host: As it was asked for; addresses behind it stay unsaid.
        left: Bytes of the request may be out.
    """
    if isinstance(error, TimeoutError):
        return _timeout(host, left=left)
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ClientSSLError, aiohttp.InvalidURL)):
        return _unconnected(error, host)
    if isinstance(error, (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError)):
        return httpx.RemoteProtocolError(f"{host} closed the connection before its answer was complete")
    if isinstance(error, aiohttp.ClientResponseError):
        return httpx.RemoteProtocolError(f"{host} did not answer in HTTP")
    if isinstance(error, ValueError):
        return httpx.LocalProtocolError(f"not a request that can be sent: {error}")
    return httpx.ReadError(f"the connection to {host} was lost") if left else httpx.ConnectError(f"no way to {host}")


def _timeout(host: str, *, left: bool) -> httpx.TimeoutException:
    if left:
        return httpx.ReadTimeout(f"{host} did not answer in time")
    return httpx.ConnectTimeout(f"{host} could not be connected to in time")


def _unconnected(error: Exception, host: str) -> httpx.ConnectError:
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, (Refused, aiohttp.InvalidURL)):
        return AddressRefused(
            f"{host} is not a public address on the internet",
            hint="An operator can allow a private network with PIDEAI_HTTP_ALLOW.",
        )
    if isinstance(cause, socket.gaierror):
        return httpx.ConnectError(f"the name {host} cannot be resolved")
    if isinstance(cause, (ssl.SSLError, ssl.CertificateError, aiohttp.ClientSSLError)):
        return httpx.ConnectError(f"{host} offers no TLS connection that can be trusted")
    reason = os.strerror(cause.errno).lower() if isinstance(cause, OSError) and cause.errno else "no route"
    return httpx.ConnectError(f"{host} cannot be connected to: {reason}")

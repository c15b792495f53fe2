"""The address that a request comes from, as far as it can be trusted: proxies say it, and only ours are believed."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from litestar.types import Scope

from pideai_host.settings.read import Network

Address = IPv4Address | IPv6Address


def client_address(scope: Scope, trusted: Sequence[Network]) -> str | None:
    """Return the client's address: the peer's, or what trusted proxies say in X-Forwarded-For.

    Read from the end, since everybody may write its beginning: the last address that is no trusted proxy's counts.
    """
    client = scope["client"]
    address = None if client is None else _read(client[0])
    if address is None or not _is_in(address, trusted):
        return None if address is None else str(address)
    told = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for part in reversed(told.split(b",")):
        hop = _read(part.strip().decode("latin-1"))
        if hop is None:
            break  # nothing before a word that is no address can be believed
        address = hop
        if not _is_in(hop, trusted):
            break
    return str(address)


def is_trusted(scope: Scope, trusted: Sequence[Network]) -> bool:
    """Tell whether the peer itself is a trusted proxy."""
    client = scope["client"]
    address = None if client is None else _read(client[0])
    return address is not None and _is_in(address, trusted)


def _read(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return None
    return mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)

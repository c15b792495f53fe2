"""Whether a webhook's address can be reached at all, told to the owner at once instead of by failed deliveries."""

import socket
from ipaddress import IPv4Address, ip_address
from urllib.parse import urlsplit

from pideai_host.outgoing.guard import Network, is_reachable

NOT_PUBLIC = "leads to an address inside a network, which the host does not call: use one of the public internet"


def unreachable_fault(url: str, allow: tuple[Network, ...]) -> str | None:
    """Tell why the guard of outgoing requests would refuse an address for certain, or None.

    Literal addresses in every notation, and localhost; what a name leads to is looked at with each delivery.

    Args:
        url: A URL that is well-formed.
        allow: Networks that the operator lets plugins reach.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    address = "127.0.0.1" if host == "localhost" or host.endswith(".localhost") else _literal(host)
    return None if address is None or is_reachable(address, allow) else NOT_PUBLIC


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        pass  # not in one of the usual notations: resolvers know older ones, such as 0x7f.1
    try:
        return str(IPv4Address(socket.inet_aton(host)))
    except OSError:
        return None

"""Which URLs and addresses a plugin's requests may reach: the internet, and what the operator lists. Pure functions.

A store's owner chooses where webhooks go, so the host must not become their way into the network it runs in. Only
global unicast is reachable; everything that the IANA special-purpose registries set apart is not, nor an IPv6 address
that carries an IPv4 one (mapped, 6to4, NAT64, Teredo), since the address inside is where such a packet ends.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpx
import yarl

Network = IPv4Network | IPv6Network

REFUSED_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata, Tailscale
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's platform services, public by number only
        "169.254.0.0/16",  # link-local; most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

GLOBAL_V6: Final = IPv6Network("2000::/3")
"""All that is assigned as global unicast. Outside of it lie loopback, mapped IPv4, NAT64, SRv6, unique local (with the
metadata of AWS), link-local, site-local and multicast."""

REFUSED_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)

_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
_NAT64: Final = IPv6Network("64:ff9b::/96")


def is_reachable(address: str, allow: Iterable[Network] = ()) -> bool:
    """Tell whether a connection to `address` may be made.

    Args:
        address: A literal address as the resolver gave it; anything else is not reachable.
        allow: Networks that the operator lifts the refusal for. They do not lift it for an IPv4 address inside an
            IPv6 one, unless it is reachable itself.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    inner = _embedded(parsed)
    if inner is not None and not is_reachable(str(inner), allow):
        return False
    return _is_global(parsed) or any(parsed in network for network in allow)


def web_url(text: str) -> yarl.URL:
    """Return the URL that may be asked for, exactly as written.

    Raises:
        httpx.UnsupportedProtocol: neither http nor https.
        httpx.LocalProtocolError: no host, a port out of range, or a user and password inside.
    """
    try:
        url = yarl.URL(text, encoded=True)
        scheme, host = url.scheme, url.raw_host
        has_credentials = url.raw_user is not None or url.raw_password is not None
        _ = url.port  # raises when it is out of range
    except ValueError as error:
        raise httpx.LocalProtocolError("the URL cannot be read") from error
    if scheme not in ("http", "https"):
        raise httpx.UnsupportedProtocol(f"only http and https are supported, not {scheme or 'a URL without scheme'!r}")
    if not host or (":" not in host and _NAME.fullmatch(host) is None):
        raise httpx.LocalProtocolError("the URL names no host")
    if has_credentials:
        raise httpx.LocalProtocolError("a user or password in the URL is refused: send an Authorization header")
    return url


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def _embedded(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    if isinstance(address, IPv4Address):
        return None
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour

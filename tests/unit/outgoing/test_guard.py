from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.outgoing.guard import is_reachable, web_url

REFUSED = {
    "private 10": "10.1.2.3",
    "private 172": "172.31.255.255",
    "private 192": "192.168.1.1",
    "loopback": "127.0.0.1",
    "loopback's far end": "127.255.255.254",
    "loopback 6": "::1",
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "unspecified 6": "::",
    "link-local": "169.254.1.1",
    "cloud metadata": "169.254.169.254",
    "metadata of AWS 6": "fd00:ec2::254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Oracle": "192.0.0.192",
    "wire server of Azure": "168.63.129.16",
    "link-local 6": "fe80::1",
    "link-local 6 with scope": "fe80::1%eth0",
    "carrier-grade NAT": "100.64.0.1",
    "benchmarking": "198.19.255.255",
    "benchmarking 6": "2001:2::1",
    "documentation": "203.0.113.9",
    "documentation 6": "2001:db8::1",
    "new documentation 6": "3fff::1",
    "multicast": "239.255.255.250",
    "multicast 6": "ff02::1",
    "global multicast 6": "ff0e::1",
    "reserved": "250.0.0.1",
    "broadcast": "255.255.255.255",
    "6to4 relay": "192.88.99.1",
    "6to4": "2002:7f00:1::",
    "6to4 of a public address": "2002:0808:0808::1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64 of a public address": "64:ff9b::808:808",
    "local NAT64": "64:ff9b:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "IPv4 mapped": "::ffff:127.0.0.1",
    "IPv4 mapped public": "::ffff:8.8.8.8",
    "IPv4 compatible": "::127.0.0.1",
    "site-local": "fec0::1",
    "unique local": "fd12:3456::1",
    "SRv6": "5f00::1",
    "discard": "100::1",
    "unassigned 6": "4000::1",
}
EVERYTHING = (ip_network("0.0.0.0/0"), ip_network("::/0"))
ODDLY_WRITTEN = ["2130706433", "127.1", "0x7f.0.0.1", "0177.0.0.1", "localhost", "", "127.0.0.1 ", "١٢٧.0.0.1"]


@pytest.mark.parametrize("address", REFUSED.values(), ids=REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_reachable(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"])
def test_a_public_address_is_reachable(address: str) -> None:
    assert is_reachable(address)


@pytest.mark.parametrize("text", ODDLY_WRITTEN)
def test_what_is_no_canonical_address_is_refused(text: str) -> None:
    assert not is_reachable(text, EVERYTHING)


@given(st.ip_addresses())
def test_whatever_python_calls_special_is_refused(address: IPv4Address | IPv6Address) -> None:
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_loopback

    assert not (special and is_reachable(str(address)))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_an_ipv6_one_never_opens_a_way(inner: IPv4Address) -> None:
    number = int(inner)
    wrapped = [0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80, number]

    assert not any(is_reachable(str(IPv6Address(address))) for address in wrapped)


@given(st.ip_addresses(v=4).filter(lambda address: not is_reachable(str(address))))
def test_allowing_a_translation_prefix_does_not_allow_the_private_addresses_behind_it(inner: IPv4Address) -> None:
    allow = [ip_network(text) for text in ("64:ff9b::/96", "::ffff:0:0/96", "2002::/16")]
    wrapped = [0xFFFF << 32 | int(inner), 0x64FF9B << 96 | int(inner), 0x2002 << 112 | int(inner) << 80]

    assert not any(is_reachable(str(IPv6Address(address)), allow) for address in wrapped)


@given(st.ip_addresses())
def test_an_allowed_network_lifts_the_refusal(address: IPv4Address | IPv6Address) -> None:
    assert is_reachable(str(address), EVERYTHING)


@given(st.ip_addresses())
def test_an_allowed_network_lifts_it_for_its_own_addresses_only(address: IPv4Address | IPv6Address) -> None:
    allowed = ip_network("10.20.0.0/16")

    assert is_reachable(str(address), (allowed,)) == (is_reachable(str(address)) or address in allowed)


def test_a_url_stays_as_it_is_written() -> None:
    text = "https://example.com/a%2Fb?q=%20x&y=é"

    assert str(web_url(text)) == text


@pytest.mark.parametrize("text", ["ftp://example.com/", "file:///etc/passwd", "gopher://x/", "unix:///run/x", "/hook"])
def test_only_http_and_https_are_spoken(text: str) -> None:
    with pytest.raises(httpx.UnsupportedProtocol):
        web_url(text)


@pytest.mark.parametrize(
    "text",
    [
        "http://user:pw@example.com/",
        "http://user@example.com/",
        "http://:pw@h/",
        "http:///x",
        "http://h:99999/",
        "http://[::1",
        "http://a b/",
        "http://a%5Bb/",
        "http://ñandú.example/",
    ],
)
def test_credentials_and_broken_authorities_are_refused(text: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        web_url(text)


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(httpx.LocalProtocolError) as refused:
        web_url("http://user:hunter2@example.com/")

    assert "hunter2" not in str(refused.value)


def test_addresses_compare_by_value_not_by_spelling() -> None:
    assert is_reachable(str(ip_address("2606:4700:0:0::1"))) == is_reachable("2606:4700::1")

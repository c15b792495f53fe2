"""The client's address is the peer's, unless a proxy that is trusted says another."""

from ipaddress import ip_network

import pytest

from pideai_host.web.clients import client_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def scope(peer, *forwarded):
    return {"client": peer and (peer, 1), "headers": [(b"x-forwarded-for", one.encode()) for one in forwarded]}


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("190.1.1.1", (), "190.1.1.1"),
        ("190.1.1.1", ("8.8.8.8",), "190.1.1.1"),
        ("10.0.0.1", ("8.8.8.8",), "8.8.8.8"),
        ("10.0.0.1", ("1.1.1.1, 8.8.8.8",), "8.8.8.8"),
        ("10.0.0.1", ("1.1.1.1, 8.8.8.8, 10.0.0.2",), "8.8.8.8"),
        ("10.0.0.1", ("1.1.1.1", "8.8.8.8"), "8.8.8.8"),
        ("10.0.0.1", (), "10.0.0.1"),
        ("10.0.0.1", ("10.0.0.3",), "10.0.0.3"),
        ("10.0.0.1", ("1.1.1.1, nonsense, 10.0.0.2",), "10.0.0.2"),
        ("10.0.0.1", ("x" * 10_000,), "10.0.0.1"),
        ("::ffff:10.0.0.1", ("2001:db8::1",), "2001:db8::1"),
        ("fd00::1", ("fe80::1%eth0",), "fd00::1"),
        ("a-socket", (), None),
        (None, ("8.8.8.8",), None),
    ],
)
def test_only_trusted_proxies_are_believed(peer, forwarded, address):
    assert client_address(scope(peer, *forwarded), PROXIES) == address


def test_without_the_setting_nobody_is_believed():
    assert client_address(scope("10.0.0.1", "8.8.8.8"), ()) == "10.0.0.1"

"""A store's owner must not reach the host's own network through a URL, however it is written or resolved."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pideai_host.api import AddressRefused, PideaiError
from pideai_host.outgoing.client import OutgoingClient, make_client
from pideai_host.outgoing.connector import GuardedResolver
from pideai_host.outgoing.trace import track_requests

INWARD = [
    "http://127.0.0.1/",
    "http://127.0.0.2/",
    "http://localhost/",
    "http://0.0.0.0/",
    "http://0/",
    "http://127.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://127.0.0.1./",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://10.0.0.5/",
    "http://192.168.0.1/",
    "http://172.20.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://[fe80::1]/",
    "http://224.0.0.1/",
    "https://127.0.0.1/",
]


@pytest.fixture
async def http() -> AsyncIterator[OutgoingClient]:
    async with make_client() as client:
        yield client


@pytest.fixture
async def inner() -> AsyncIterator[Any]:
    """A service of the host's own network, on all of IPv4 loopback, that counts who comes in."""

    class Inner:
        visits = 0
        port = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        Inner.visits += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        writer.close()

    listening = await asyncio.start_server(serve, "0.0.0.0", 0)
    Inner.port = listening.sockets[0].getsockname()[1]
    yield Inner
    listening.close()


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Name -> the answers of its name server, one list a look-up; the last one stays."""
    answers: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        turn = answers[host]
        addresses = turn.pop(0) if len(turn) > 1 else turn[0]
        return [
            (socket.AF_INET6 if ":" in a else socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


@pytest.mark.parametrize("url", INWARD)
async def test_no_way_of_writing_an_inner_address_gets_through(http: OutgoingClient, url: str) -> None:
    with pytest.raises((AddressRefused, httpx.InvalidURL)):
        await http.get(url)


async def test_no_connection_is_even_opened(http: OutgoingClient, inner: Any) -> None:
    with pytest.raises(AddressRefused):
        await http.post(f"http://127.0.0.1:{inner.port}/", content=b"x")

    assert inner.visits == 0


async def test_a_refused_request_has_not_left(http: OutgoingClient, inner: Any) -> None:
    with track_requests() as trace, pytest.raises(AddressRefused):
        await http.post(f"http://127.0.0.1:{inner.port}/", content=b"x")

    assert not trace.in_flight


async def test_a_name_that_points_inward_is_refused(http: OutgoingClient, inner: Any, names: Any) -> None:
    names["evil.example"] = [["127.0.0.1", "::1", "10.0.0.1"]]

    with pytest.raises(AddressRefused):
        await http.get(f"http://evil.example:{inner.port}/")

    assert inner.visits == 0


async def test_a_name_that_changes_its_address_is_checked_each_time(inner: Any, names: Any) -> None:
    names["rebind.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    async with make_client(allow=(ip_network("127.0.0.2/32"),)) as first, make_client() as second:
        await first.get(f"http://rebind.example:{inner.port}/")
        with pytest.raises(AddressRefused):
            await second.get(f"http://rebind.example:{inner.port}/")

    assert inner.visits == 1


async def test_only_the_reachable_addresses_of_a_name_are_tried(inner: Any, names: Any) -> None:
    names["mixed.example"] = [["10.255.255.1", "127.0.0.1", "127.0.0.2"]]
    async with make_client(allow=(ip_network("127.0.0.2/32"),)) as http:
        response = await http.get(f"http://mixed.example:{inner.port}/")

    assert response.text == "secret"


async def test_a_resolver_that_lies_meets_the_guard_when_dialling(
    http: OutgoingClient, inner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lie(_: Any, host: str, port: int = 0, **__: Any) -> list[Any]:
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 6, "flags": 0}]

    monkeypatch.setattr(GuardedResolver, "resolve", lie)

    with pytest.raises(AddressRefused):
        await http.get(f"http://liar.example:{inner.port}/")

    assert inner.visits == 0


async def test_an_allowed_network_can_be_reached(inner: Any) -> None:
    async with make_client(allow=(ip_network("127.0.0.0/8"),)) as http:
        response = await http.get(f"http://127.0.0.1:{inner.port}/")

    assert response.text == "secret"


async def test_allowing_one_network_opens_no_other(inner: Any) -> None:
    async with make_client(allow=(ip_network("10.0.0.0/8"),)) as http:
        with pytest.raises(AddressRefused):
            await http.get(f"http://127.0.0.1:{inner.port}/")


async def test_a_redirect_inward_leads_nowhere(inner: Any) -> None:
    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{inner.port}/\r\nContent-Length: 0\r\n\r\n".encode()
        )
        writer.close()

    door = await asyncio.start_server(redirect, "127.0.0.2", 0)
    async with make_client(allow=(ip_network("127.0.0.0/8"),)) as http, door:
        response = await http.get(f"http://127.0.0.2:{door.sockets[0].getsockname()[1]}/")

    assert (response.status_code, inner.visits) == (302, 0)


@pytest.fixture
def _proxied(monkeypatch: pytest.MonkeyPatch, inner: Any) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{inner.port}")


@pytest.mark.usefixtures("_proxied")
async def test_a_proxy_of_the_environment_is_not_used(inner: Any) -> None:
    async with make_client(allow=(ip_network("127.0.0.0/8"),)) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get("http://127.0.0.1:1/")

    assert inner.visits == 0


async def test_a_refusal_names_the_host_and_not_the_address_behind_it(http: OutgoingClient, names: Any) -> None:
    names["evil.example"] = [["10.11.12.13"]]

    with pytest.raises(AddressRefused) as refused:
        await http.get("http://evil.example/")

    assert str(refused.value) == "evil.example is not a public address on the internet"
    assert "PIDEAI_HTTP_ALLOW" in refused.value.hint
    assert isinstance(refused.value, httpx.ConnectError)
    assert isinstance(refused.value, PideaiError)


async def test_a_refusal_holds_for_streams_and_for_authenticated_requests(http: OutgoingClient) -> None:
    with pytest.raises(AddressRefused):
        async with http.stream("GET", "http://127.0.0.1/"):
            pass
    with pytest.raises(AddressRefused):
        await http.get("http://127.0.0.1/", auth=("user", "pass"))


async def test_a_lent_client_is_guarded_alike(http: OutgoingClient) -> None:
    with pytest.raises(AddressRefused):
        await http.lent().get("http://127.0.0.1/")


async def test_a_certificate_that_nobody_signed_is_refused(tmp_path: Path) -> None:
    async with make_client(allow=(ip_network("127.0.0.0/8"),)) as http:
        impostor = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=self_signed(tmp_path))
        async with impostor:
            with pytest.raises(httpx.ConnectError, match="no TLS connection that can be trusted"):
                await http.get(f"https://localhost:{impostor.sockets[0].getsockname()[1]}/")


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "certificate.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context

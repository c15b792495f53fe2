"""What leaves is this one request and no other, once, and what it costs does not change what it promises."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from pideai_host.outgoing import transport
from pideai_host.outgoing.client import OutgoingClient, make_client
from pideai_host.outgoing.trace import track_requests
from pideai_host.outgoing.wire import target_of

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Forgetful:
    """Answers the first request of each connection and hangs up at the second; none of them has a body."""

    def __init__(self) -> None:
        self.port = 0
        self.heads: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        try:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


@pytest.fixture
async def forgetful() -> AsyncIterator[Forgetful]:
    served = Forgetful()
    listening = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = listening.sockets[0].getsockname()[1]
    yield served
    listening.close()


# What leaves


async def test_a_body_too_large_for_one_write_arrives_byte_for_byte(http: OutgoingClient, server: Any) -> None:
    body = bytes(range(256)) * (transport.WHOLE_MAX_BYTES // 256) + b"x"

    await http.post(server.url, content=body)

    head, _, arrived = server.requests[0].partition(b"\r\n\r\n")
    assert arrived == body
    assert b"content-length: %d" % len(body) in head.lower()


async def test_the_head_says_host_and_length_once(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"12345", headers={"X-One": "1"})

    lines = server.requests[0].partition(b"\r\n\r\n")[0].lower().split(b"\r\n")
    assert [line for line in lines if line.startswith((b"host:", b"content-length:"))] == [
        b"host: 127.0.0.1:%d" % server.port,
        b"content-length: 5",
    ]


async def test_headers_that_repeat_are_sent_as_often(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"x", headers=[("X-Many", "1"), (b"X-Many", b"2")])

    assert server.requests[0].lower().count(b"x-many: ") == 2


async def test_a_value_of_bytes_arrives_as_it_is(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"x", headers={"X-Name": "Peña".encode()})

    assert "X-Name: Peña\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("length", ["1", "1, 1", "-1", "0"])
async def test_a_length_that_is_not_the_bodys_never_reaches_into_the_next_request(
    http: OutgoingClient, server: Any, length: str
) -> None:
    try:
        await http.post(server.url, content=b"GET /smuggled HTTP/1.1\r\n\r\n", headers={"Content-Length": length})
    except httpx.LocalProtocolError:
        assert server.requests == []
        return
    await http.post(server.url, content=b"next")

    assert [request.split(b" ")[:2] for request in server.requests] == [[b"POST", b"/hook"]] * 2
    assert server.requests[1].endswith(b"\r\n\r\nnext")


async def test_a_header_that_was_put_in_after_building_is_checked_as_well(http: OutgoingClient, server: Any) -> None:
    request = http.build_request("POST", server.url, content=b"x")
    request.headers["X-Late"] = "a\r\nX-Evil: 1"

    with pytest.raises(httpx.LocalProtocolError):
        await http.send(request)
    assert server.connections == 0


async def test_headers_can_be_seen_and_changed_until_a_request_is_sent(http: OutgoingClient, server: Any) -> None:
    request = http.build_request("POST", server.url, content=b"xy", headers={"X-One": "1", "X-Two": "a: b"})
    assert (request.headers["x-two"], request.headers["content-length"], len(request.headers)) == ("a: b", "2", 7)
    request.headers["X-One"] = "changed"
    del request.headers["X-Two"]
    await http.send(request)

    head = server.requests[0].lower()
    assert b"x-one: changed\r\n" in head
    assert b"x-two" not in head


@pytest.mark.parametrize("name", ["", "X Name", "X-Name:", "X\r\nX-Evil", "x" * 300, b"X\xf1"])
async def test_a_name_that_is_none_is_never_sent(http: OutgoingClient, server: Any, name: str | bytes) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        await http.post(server.url, content=b"x", headers={name: "1"})
    with pytest.raises(httpx.LocalProtocolError):
        await http.post(server.url, json={}, headers=[(name, "1")])

    assert server.connections == 0


@pytest.mark.parametrize(
    "text", ["http://h.example/a b", "http://h.example/a\r\nX-Evil: 1", "http://h.example/\xf1", "http://h.example/?\0"]
)
def test_a_path_that_would_end_its_line_leads_nowhere(text: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        target_of(text)


async def test_two_spellings_of_a_name_are_two_headers(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"x", headers={"X-Name": "1", "x-name": "2"})

    head = server.requests[0]
    assert b"X-Name: 1\r\n" in head
    assert b"x-name: 2\r\n" in head


@pytest.mark.parametrize("value", [1, None, 1.5])
async def test_a_value_that_is_no_text_is_a_type_error_as_in_httpx(
    http: OutgoingClient, server: Any, value: object
) -> None:
    with pytest.raises(TypeError, match="Header value must be str or bytes"):
        await http.post(server.url, content=b"x", headers={"X-Name": value})  # type: ignore[dict-item]


async def test_a_request_that_httpx_made_is_sent_as_it_is(http: OutgoingClient, server: Any) -> None:
    await http.send(httpx.Request("POST", server.url, content=b"x", headers={"X-Mine": "1"}))

    head = server.requests[0].lower()
    assert b"x-mine: 1\r\n" in head
    assert b"accept-encoding" not in head


async def test_a_body_is_held_back_until_the_receiver_says_continue(http: OutgoingClient, server: Any) -> None:
    seen: list[bytes] = []

    async def go_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        seen.append(await reader.readexactly(4))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    listening = await asyncio.start_server(go_on, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    async with listening:
        response = await http.post(url, content=b"body", headers={"Expect": "100-continue"})

    assert (response.status_code, seen) == (200, [b"body"])


# Connections that were kept


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_kept_connection_that_is_lost_is_no_error_for_what_may_come_twice(
    http: OutgoingClient, forgetful: Forgetful, method: str
) -> None:
    await http.request(method, forgetful.url, content=b"")

    assert (await http.request(method, forgetful.url, content=b"")).status_code == 200
    assert len(forgetful.heads) == 3


async def test_a_post_over_a_kept_connection_that_is_lost_is_never_sent_twice(
    http: OutgoingClient, forgetful: Forgetful
) -> None:
    await http.post(forgetful.url, content=b"")

    with track_requests() as trace, pytest.raises(httpx.RemoteProtocolError):
        await http.post(forgetful.url, content=b"")
    assert trace.in_flight
    assert len(forgetful.heads) == 2


async def test_what_may_come_twice_is_not_sent_a_third_time(http: OutgoingClient, server: Any) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server.script = hang_up

    with pytest.raises(httpx.RemoteProtocolError):
        await http.get(server.url)
    assert len(server.requests) == 2


async def test_a_receiver_that_says_close_gets_a_new_connection(http: OutgoingClient, server: Any) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
    await http.post(server.url, content=b"x")
    await http.post(server.url, content=b"x")

    assert server.connections == 2


# What comes back


async def test_a_body_that_came_with_its_head_can_be_read_in_every_way(http: OutgoingClient, server: Any) -> None:
    async def read(how: str) -> bytes:
        async with http.stream("POST", server.url, content=b"x") as response:
            return b"".join([part async for part in getattr(response, how)()])

    assert [await read("aiter_bytes"), await read("aiter_raw")] == [b"ok", b"ok"]
    async with http.stream("POST", server.url, content=b"x") as response:
        assert (response.content, await response.aread(), response.text) == (b"ok", b"ok", "ok")
        assert response.headers["content-length"] == "2"


async def test_a_body_without_a_length_ends_with_its_connection(http: OutgoingClient, server: Any) -> None:
    async def to_the_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\nall of it")
        writer.close()

    server.script = to_the_end

    assert (await http.post(server.url, content=b"x")).text == "all of it"


async def test_an_answer_ahead_of_the_answer_is_passed_over(http: OutgoingClient, server: Any) -> None:
    server.answer = b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    assert (await http.post(server.url, content=b"x")).status_code == 200


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_body_leaves_its_connection_usable(
    http: OutgoingClient, server: Any, status: int
) -> None:
    server.answer = b"HTTP/1.1 %d None\r\n\r\n" % status
    assert (await http.post(server.url, content=b"x")).content == b""
    assert (await http.post(server.url, content=b"x")).status_code == status

    assert server.connections == 1


async def test_a_head_without_end_is_refused(http: OutgoingClient, server: Any) -> None:
    server.answer = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\nContent-Length: 0\r\n\r\n"

    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(server.url, content=b"x")


# Time


async def test_the_total_limit_covers_a_streamed_body(server: Any) -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
        await asyncio.Event().wait()

    server.script = drip
    async with make_client(allow=LOOPBACK, total_s=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            async with http.stream("POST", server.url, content=b"x", timeout=None) as response:
                await response.aread()


async def test_a_client_is_usable_after_a_request_that_took_too_long(server: Any) -> None:
    async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    server.script = hang
    async with make_client(allow=LOOPBACK, total_s=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(server.url, content=b"x", timeout=None)
        server.script = None

        assert (await http.post(server.url, content=b"x")).text == "ok"


# Secrets


async def test_no_error_underneath_shows_a_header(http: OutgoingClient, server: Any) -> None:
    server.answer = b"SSH-2.0-OpenSSH_9.6\r\n\r\n"

    with pytest.raises(httpx.RemoteProtocolError) as raised:
        await http.post(server.url, content=b"x", headers={"Authorization": "Bearer canary"})
    assert "canary" not in f"{raised.value!r} {raised.value.__cause__!r}"

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Generator
from ipaddress import ip_network
from typing import Any

import httpx
import pytest

from pideai_host.outgoing.client import OutgoingClient, make_client
from pideai_host.outgoing.connector import GuardedResolver

LOOPBACK = (ip_network("127.0.0.0/8"),)


def answer(body: bytes = b"", *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def speak_nonsense(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    writer.close()


async def half_a_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await writer.drain()


async def half_a_body_then_hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await reader.read()


async def endless_body(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        await writer.drain()


# What is sent


async def test_a_post_arrives_byte_for_byte(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b'{"a":1}', headers={"Content-Type": "application/json", "X-Two": "2"})

    head, body = server.requests[0].split(b"\r\n\r\n", 1)
    lines = {line.lower() for line in head.split(b"\r\n")}
    assert body == b'{"a":1}'
    assert {b"post /hook http/1.1", b"content-length: 7", b"content-type: application/json", b"x-two: 2"} <= lines


async def test_no_header_is_sent_twice(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"x", headers={"User-Agent": "Mine/1", "Accept": "text/plain"})

    names = [line.split(b":")[0].lower() for line in server.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")[1:]]
    assert sorted(set(names)) == sorted(names)


async def test_no_compression_is_asked_for(http: OutgoingClient, server: Any) -> None:
    await http.get(server.url)

    assert b"accept-encoding: identity\r\n" in server.requests[0].lower()


async def test_json_params_and_forms_work_as_in_httpx(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, json={"a": 1}, params={"q": "ñ"})
    await http.post(server.url, data={"a": "b c"})
    await http.post(server.url, files={"f": b"bytes"})

    as_json, as_form, as_file = server.requests
    assert as_json.startswith(b"POST /hook?q=%C3%B1 HTTP/1.1")
    assert as_json.endswith(b'{"a":1}')
    assert as_form.endswith(b"a=b+c")
    assert b"multipart/form-data; boundary=" in as_file


async def test_a_streamed_body_is_sent_in_chunks(http: OutgoingClient, server: Any) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    await http.post(server.url, content=parts())

    assert server.requests[0].endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT", "PATCH", "OPTIONS"])
async def test_every_method_works_without_a_body(http: OutgoingClient, server: Any, method: str) -> None:
    server.answer = answer()

    response = await http.request(method, server.url)

    assert response.status_code == 200


async def test_basic_auth_is_sent(http: OutgoingClient, server: Any) -> None:
    await http.get(server.url, auth=("user", "pass"))

    assert b"authorization: basic dxnlcjpwyxnz" in server.requests[0].lower()


async def test_an_auth_flow_sees_the_response_and_may_send_again(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(b"", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', status="401 Unauthorized")

    response = await http.get(server.url, auth=httpx.DigestAuth("user", "pass"))

    assert response.status_code == 401
    assert b"authorization: digest username=" in server.requests[1].lower()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
async def test_a_header_with_a_line_break_is_never_sent(http: OutgoingClient, server: Any, value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        await http.post(server.url, content=b"", headers={"X-Name": value})

    assert server.connections == 0


async def test_a_method_with_a_line_break_is_never_sent(http: OutgoingClient, server: Any) -> None:
    with pytest.raises(httpx.LocalProtocolError):
        await http.request("GET / HTTP/1.1\r\nX-Evil: 1\r\n\r\nGET", server.url)

    assert server.requests == []


# What comes back


async def test_a_response_is_an_httpx_response(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(b'{"b":2}', "Content-Type: application/json", "X-Many: 1", "X-Many: 2", status="201 Made")

    response = await http.post(server.url, content=b"x")

    assert (response.status_code, response.reason_phrase, response.json()) == (201, "Made", {"b": 2})
    assert response.headers.get_list("x-many") == ["1", "2"]
    assert (response.request.method, str(response.url)) == ("POST", server.url)
    assert response.elapsed.total_seconds() > 0


async def test_raise_for_status_works(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(status="503 Busy")
    response = await http.get(server.url)

    with pytest.raises(httpx.HTTPStatusError):
        response.raise_for_status()


async def test_a_gzipped_answer_is_read_though_nobody_asked(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(gzip.compress(b"hello"), "Content-Encoding: gzip")

    assert (await http.get(server.url)).text == "hello"


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_redirect_is_handed_back_not_followed(http: OutgoingClient, server: Any, status: str) -> None:
    server.answer = answer(b"", f"Location: {server.url}/next", status=status)

    response = await http.post(server.url, content=b"x")

    assert response.status_code == int(status[:3])
    assert len(server.requests) == 1


async def test_asking_for_redirects_is_an_error(http: OutgoingClient, server: Any) -> None:
    with pytest.raises(ValueError, match="redirects are not followed"):
        await http.get(server.url, follow_redirects=True)


async def test_cookies_are_not_kept_between_requests(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(b"", "Set-Cookie: session=1; Path=/")

    first = await http.get(server.url)
    await http.get(server.url, auth=("user", "pass"))
    await http.get(server.url)

    assert first.cookies["session"] == "1"
    assert not any(b"cookie" in request.lower() for request in server.requests)


async def test_a_streamed_answer_is_read_as_it_comes(http: OutgoingClient, server: Any) -> None:
    server.answer = answer(b"line one\nline two\n")

    async with http.stream("GET", server.url) as response:
        lines = [line async for line in response.aiter_lines()]

    assert lines == ["line one", "line two"]


async def test_a_connection_is_used_again_after_a_body_was_read(http: OutgoingClient, server: Any) -> None:
    for _ in range(3):
        async with http.stream("POST", server.url, content=b"x") as response:
            await response.aread()

    assert (len(server.requests), server.connections) == (3, 1)


async def test_a_connection_with_an_unread_body_is_not_used_again(http: OutgoingClient, server: Any) -> None:
    server.script = half_a_body_then_hang
    async with http.stream("POST", server.url, content=b"x"):
        pass
    server.script = None

    response = await http.post(server.url, content=b"x")

    assert response.text == "ok"


# Bounds


async def test_an_endless_body_is_cut_off(http: OutgoingClient, server: Any) -> None:
    server.script = endless_body

    with pytest.raises(httpx.ReadError, match="larger than 1048576 bytes"):
        await http.get(server.url)


async def test_an_endless_streamed_body_is_cut_off(http: OutgoingClient, server: Any) -> None:
    server.script = endless_body

    with pytest.raises(httpx.ReadError, match="larger than"):
        async with http.stream("GET", server.url) as response:
            await response.aread()


async def test_no_request_outlasts_the_total_limit(server: Any) -> None:
    server.script = hang
    async with make_client(allow=LOOPBACK, total_s=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(server.url, content=b"x", timeout=None)


async def test_the_total_limit_covers_a_body_that_drips(server: Any) -> None:
    server.script = half_a_body_then_hang
    async with make_client(allow=LOOPBACK, total_s=0.05) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(server.url, content=b"x", timeout=None)


# Errors, as httpx names them


async def test_a_refused_connection_is_a_connect_error(http: OutgoingClient) -> None:
    with pytest.raises(httpx.ConnectError, match=r"127\.0\.0\.1 cannot be connected to: connection refused"):
        await http.get("http://127.0.0.1:1/")


async def test_an_unknown_name_is_a_connect_error(http: OutgoingClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(httpx.ConnectError, match=r"the name nobody\.example cannot be resolved"):
        await http.get("http://nobody.example/")


async def test_no_answer_in_time_is_a_read_timeout(http: OutgoingClient, server: Any) -> None:
    server.script = hang

    with pytest.raises(httpx.ReadTimeout) as raised:
        await http.post(server.url, content=b"x", timeout=0.05)

    assert str(raised.value.request.url) == server.url


async def test_no_connection_in_time_is_a_connect_timeout(
    http: OutgoingClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> list[Any]:
        return await asyncio.Future()

    monkeypatch.setattr(GuardedResolver, "resolve", never)

    with pytest.raises(httpx.ConnectTimeout, match=r"slow\.example could not be connected to in time"):
        await http.get("http://slow.example/", timeout=httpx.Timeout(5, connect=0.05))


@pytest.mark.parametrize("script", [hang_up, reset, speak_nonsense, half_a_body])
async def test_a_broken_answer_is_a_transport_error(http: OutgoingClient, server: Any, script: Any) -> None:
    server.script = script

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await http.post(server.url, content=b"x")


async def test_a_server_without_tls_is_a_connect_error(http: OutgoingClient) -> None:
    plain = await asyncio.start_server(speak_nonsense, "127.0.0.1", 0)

    async with plain:
        with pytest.raises(httpx.ConnectError, match="no TLS connection that can be trusted"):
            await http.get(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/")


async def test_a_cancelled_request_leaves_the_pool_usable(http: OutgoingClient, server: Any) -> None:
    server.script = hang
    task = asyncio.create_task(http.post(server.url, content=b"x"))
    await server.arrived.wait()
    task.cancel()
    await asyncio.wait([task])
    server.script = None

    assert (await http.post(server.url, content=b"x")).status_code == 200


# One client for all


async def test_the_client_opens_nothing_before_its_first_request() -> None:
    client = make_client()

    await client.aclose()


async def test_a_closed_client_sends_nothing_more(server: Any) -> None:
    client = make_client(allow=LOOPBACK)
    await client.get(server.url)
    await client.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await client.get(server.url)


async def test_closing_twice_does_no_harm(server: Any) -> None:
    client = make_client(allow=LOOPBACK)
    await client.get(server.url)

    await client.aclose()
    await client.aclose()


async def test_a_plugin_that_closes_its_client_closes_nothing(http: OutgoingClient, server: Any) -> None:
    async with http.lent() as lent:
        await lent.get(server.url)
    await lent.aclose()

    assert (await http.get(server.url)).status_code == 200
    assert server.connections == 1


@pytest.mark.parametrize("name", ["headers", "auth", "timeout", "params", "cookies", "base_url", "event_hooks"])
async def test_settings_that_all_stores_share_cannot_be_changed(http: OutgoingClient, name: str) -> None:
    with pytest.raises(AttributeError, match=f"pass {name} with each request"):
        setattr(http, name, {})


async def test_a_header_for_all_requests_cannot_be_set(http: OutgoingClient) -> None:
    with pytest.raises(TypeError, match="pass Authorization with each request"):
        http.headers["Authorization"] = "Bearer of-one-store"
    with pytest.raises(TypeError, match="shared between stores"):
        http.headers.update({"Authorization": "Bearer of-one-store"})
    with pytest.raises(TypeError, match="sent with every request"):
        del http.headers["Accept"]


async def test_an_auth_flow_may_read_the_body(http: OutgoingClient, server: Any) -> None:
    class Reading(httpx.Auth):
        requires_response_body = True
        seen = b""

        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            response = yield request
            self.seen = response.content

    auth = Reading()
    async with http.stream("GET", server.url, auth=auth):
        pass

    assert auth.seen == b"ok"


async def test_a_host_header_of_ones_own_is_kept(http: OutgoingClient, server: Any) -> None:
    await http.post(server.url, content=b"x", headers={"Host": "other.example", "Content-Length": "1"})

    assert server.requests[0].lower().count(b"host:") == 1
    assert b"host: other.example\r\n" in server.requests[0].lower()

import asyncio
from typing import Any

import httpx
import pytest

from pideai_host.outgoing.client import OutgoingClient
from pideai_host.outgoing.trace import track_requests


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def head_then_silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    await reader.read()


async def test_nothing_is_in_flight_before_a_request() -> None:
    with track_requests() as trace:
        assert not trace.in_flight


async def test_an_answered_request_is_not_in_flight(http: OutgoingClient, server: Any) -> None:
    with track_requests() as trace:
        await http.post(server.url, content=b"x")

    assert not trace.in_flight


async def test_a_cancelled_request_that_had_left_is_in_flight(http: OutgoingClient, server: Any) -> None:
    server.script = silence
    with track_requests() as trace:
        task = asyncio.create_task(http.post(server.url, content=b"x"))
        await server.arrived.wait()
        task.cancel()
        await asyncio.wait([task])

    assert trace.in_flight


async def test_a_request_without_answer_in_time_stays_in_flight(http: OutgoingClient, server: Any) -> None:
    server.script = silence
    with track_requests() as trace, pytest.raises(httpx.ReadTimeout):
        await http.post(server.url, content=b"x", timeout=0.05)

    assert trace.in_flight


async def test_a_request_that_never_left_is_not_in_flight(http: OutgoingClient) -> None:
    with track_requests() as trace, pytest.raises(httpx.ConnectError):
        await http.post("http://127.0.0.1:1/", content=b"x")

    assert not trace.in_flight


async def test_an_answer_of_which_the_body_is_missing_is_in_flight(http: OutgoingClient, server: Any) -> None:
    server.script = head_then_silence
    with track_requests() as trace, pytest.raises(httpx.ReadTimeout):
        await http.post(server.url, content=b"x", timeout=0.05)

    assert trace.in_flight


async def test_a_streamed_answer_counts_from_its_status(http: OutgoingClient, server: Any) -> None:
    server.script = head_then_silence
    with track_requests() as trace:
        async with http.stream("POST", server.url, content=b"x"):
            pass

    assert not trace.in_flight


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_request_without_effect_never_counts(http: OutgoingClient, server: Any, method: str) -> None:
    server.script = silence
    with track_requests() as trace, pytest.raises(httpx.ReadTimeout):
        await http.request(method, server.url, timeout=0.05)

    assert not trace.in_flight


async def test_two_blocks_side_by_side_do_not_see_each_other(http: OutgoingClient, server: Any) -> None:
    async def answered() -> bool:
        with track_requests() as trace:
            await http.post(server.url, content=b"x")
            return trace.in_flight

    async def unreachable() -> bool:
        with track_requests() as trace, pytest.raises(httpx.ConnectError):
            await http.post("http://127.0.0.1:1/", content=b"x")
        return trace.in_flight

    assert await asyncio.gather(answered(), unreachable()) == [False, False]


async def test_requests_outside_of_a_block_are_not_watched(http: OutgoingClient, server: Any) -> None:
    response = await http.post(server.url, content=b"x")

    assert response.status_code == 200

import socket

import aiohttp
import httpx
import pytest

from pideai_host.outgoing.faults import httpx_error


@pytest.mark.parametrize(
    ("error", "left", "expected"),
    [
        (TimeoutError(), False, httpx.ConnectTimeout),
        (TimeoutError(), True, httpx.ReadTimeout),
        (aiohttp.SocketTimeoutError(), True, httpx.ReadTimeout),
        (aiohttp.ConnectionTimeoutError(), False, httpx.ConnectTimeout),
        (aiohttp.ServerDisconnectedError(), True, httpx.RemoteProtocolError),
        (aiohttp.ClientPayloadError(), True, httpx.RemoteProtocolError),
        (aiohttp.ClientOSError(104, "reset"), True, httpx.ReadError),
        (aiohttp.ClientOSError(104, "reset"), False, httpx.ConnectError),
        (ConnectionResetError(), True, httpx.ReadError),
        (socket.gaierror(-2, "unknown"), False, httpx.ConnectError),
        (ValueError("bad header"), False, httpx.LocalProtocolError),
    ],
    ids=repr,
)
def test_each_error_has_its_name_in_httpx(error: Exception, left: bool, expected: type[Exception]) -> None:
    assert type(httpx_error(error, host="example.com", left=left)) is expected


def test_a_message_is_one_line_without_addresses() -> None:
    fault = httpx_error(
        aiohttp.ClientOSError(104, "Connect call failed ('10.0.0.5', 80)"), host="a.example", left=False
    )

    assert str(fault) == "no way to a.example"

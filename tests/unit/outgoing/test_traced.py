"""Receivers learn of a trace only where the operator says so."""

from ipaddress import ip_network

import httpx
import pytest

from pideai_host.outgoing.client import make_client
from pideai_host.telemetry import tracing

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize("content", [b"{}", None])
@pytest.mark.parametrize(("hosts", "told"), [((), False), (("127.0.0.1",), True), (("example.com", ".0.0.1"), True)])
async def test_only_named_hosts_are_sent_traceparent(collector, server, hosts, told, content):
    async with make_client(allow=LOOPBACK, trace_hosts=frozenset(hosts)) as http:
        await http.post(server.url, content=content)

    [span] = collector.spans()
    sent = f"traceparent: 00-{span.trace_id}-{span.span_id}-01\r\n".encode()
    assert (sent in server.requests[0], b"traceparent" in server.requests[0]) == (told, told)


async def test_a_plugin_s_own_traceparent_gives_way(collector, server):
    async with make_client(allow=LOOPBACK, trace_hosts=frozenset({"127.0.0.1"})) as http:
        await http.post(server.url, content=b"{}", headers={"Traceparent": "00-1-2-3"})

    [span] = collector.spans()
    assert server.requests[0].lower().count(b"traceparent") == 1
    assert span.trace_id.encode() in server.requests[0]


async def test_nothing_is_sent_of_what_is_not_recorded(collector, server):
    async with make_client(allow=LOOPBACK, trace_hosts=frozenset({"127.0.0.1"})) as http:
        with tracing.active.within(None):
            await http.post(server.url, content=b"{}")

    assert (b"traceparent" in server.requests[0], collector.spans()) == (False, [])


async def test_a_request_s_span_says_where_to_and_what_came_of_it(collector, server):
    server.answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\nno"
    async with make_client(allow=LOOPBACK) as http:
        await http.get(server.url + "/bot-token?phone=04141234567")
        async with http.stream("GET", server.url):
            pass
        with pytest.raises(httpx.HTTPError):
            await http.get("http://127.0.0.1:1/")

    one, streamed, lost = collector.spans()
    assert (one.name, one.kind, one.is_error, one.attributes) == (
        "GET",
        "client",
        True,
        {
            "http.request.method": "GET",
            "server.address": "127.0.0.1",
            "server.port": server.port,
            "http.response.status_code": 503,
            "error.type": "503",
        },
    )
    assert streamed.attributes["http.response.status_code"] == 503
    assert (lost.is_error, lost.attributes["error.type"]) == (True, "ConnectError")

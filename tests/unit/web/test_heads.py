"""HEAD answers as GET does, without the body."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar, get
from litestar.response import ServerSentEvent
from litestar.testing import TestClient

from pideai_host.web.front import Front
from pideai_host.web.options import tell_methods


@get("/health/thing")
async def thing() -> dict[str, int]:
    return {"size": 1}


@get("/webhooks/plugins/thing")
async def hook() -> str:
    raise AssertionError("a call of a provider")


@get("/endless")
async def endless() -> ServerSentEvent:
    async def ticks() -> AsyncIterator[str]:
        while True:
            yield "tick"

    return ServerSentEvent(ticks())


@pytest.fixture
def client():
    app = Litestar([thing, hook, endless], before_send=[tell_methods], openapi_config=None, logging_config=None)
    with TestClient(Front(app)) as client:
        yield client


def test_head_has_the_status_and_headers_of_get_and_no_body(client):
    got, head = client.get("/health/thing"), client.head("/health/thing")

    assert (head.status_code, head.content) == (200, b"")
    assert dict(head.headers) == dict(got.headers)


def test_head_of_nothing_is_not_found(client):
    assert (client.head("/nowhere").status_code, client.head("/nowhere").content) == (404, b"")


def test_head_of_a_provider_s_address_is_no_call(client):
    assert client.head("/webhooks/plugins/thing").status_code == 405


def test_head_of_a_stream_ends(client):
    assert (client.head("/endless").status_code, client.head("/endless").content) == (200, b"")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/health/thing", "GET, HEAD, OPTIONS"),
        ("POST", "/health/thing", "GET, HEAD, OPTIONS"),
        ("OPTIONS", "/webhooks/plugins/thing", "GET, OPTIONS"),
    ],
)
def test_allow_names_head_where_it_is_answered(client, method, path, allowed):
    assert client.request(method, path).headers["allow"] == allowed

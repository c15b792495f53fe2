"""The host's own application is put together so that its promises hold at every address."""

import asyncio

import httpx
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody

from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.telemetry.metrics import REGISTRY
from pideai_host.web import requests
from pideai_host.web.app import build_app
from pideai_host.web.problems import MEDIA_TYPE, to_response

ANSWERS = "pideai_http_requests_total"
LIVES = {"method": "GET", "route": "/health/live", "status": "200"}


@pytest.fixture
async def client():
    app = build_app(Settings.from_env({}), Registry.of({}), with_worker=False)  # not started: it needs no database
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://host.test") as client:
        yield client


async def test_an_unknown_address_is_a_problem_with_the_requests_id(client):
    response = await client.get("/nothing", headers={"x-request-id": "r-1"})

    assert (response.status_code, response.headers["content-type"]) == (404, MEDIA_TYPE)
    assert (response.headers["x-request-id"], response.json()["instance"]) == ("r-1", "r-1")


async def test_the_process_says_that_it_lives(client):
    assert (await client.get("/health/live")).status_code == 200


@pytest.mark.parametrize("path", ["/api/plugins", "/api/stores/44444444-4444-4444-8444-444444444444/plugins"])
async def test_nobody_gets_below_api_without_a_token(client, path):
    response = await client.get(path)

    assert (response.status_code, response.json()["code"]) == (401, "unauthenticated")


async def test_each_answer_is_counted_by_the_template_of_its_route(client):
    before = REGISTRY.get_sample_value(ANSWERS, LIVES) or 0.0
    await client.get("/health/live")

    assert REGISTRY.get_sample_value(ANSWERS, LIVES) == before + 1


async def test_a_sender_that_drips_a_body_is_told_so_in_time(monkeypatch):
    monkeypatch.setattr(requests, "BODY_LIMIT_S", 0.01)

    @post("/drip", request_class=requests.StrictRequest)
    async def drip(data: JSONBody[dict[str, int]]) -> None:
        raise AssertionError(data)

    sent = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/drip",
        "raw_path": b"/drip",
        "query_string": b"",
        "headers": [],
    }

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    app = Litestar([drip], exception_handlers={Exception: to_response}, openapi_config=None, logging_config=None)
    await app(scope | {"client": ("127.0.0.1", 1), "server": ("host.test", 80), "scheme": "http"}, receive, send)

    assert sent[0]["status"] == 408

"""The host's own application is put together so that its promises hold at every address."""

import httpx
import pytest

from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.web.app import build_app
from pideai_host.web.problems import MEDIA_TYPE


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

"""Every answer of a route is measured, whoever gave it, and nothing is left in flight."""

import asyncio

import pytest
from litestar import Litestar, Router, get
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.middleware import ASGIMiddleware
from litestar.testing import TestClient

from pideai_host.telemetry import REGISTRY
from pideai_host.web.measured import Measured, end_of_wait
from pideai_host.web.problems import to_response


class Refuses(ASGIMiddleware):
    async def handle(self, scope, receive, send, next_app):
        raise NotAuthorizedException


@get("/well")
async def well() -> None:
    return None


@get("/refused")
async def refused() -> None:
    raise NotFoundException


@get("/shut")
async def shut() -> None:
    return None


@pytest.fixture(scope="module")
def client():
    app = Litestar(
        [well, refused, Router("/behind", route_handlers=[shut], middleware=[Refuses()])],
        middleware=[Measured()],
        before_send=[end_of_wait],
        exception_handlers={Exception: to_response},
        logging_config=None,
    )
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


@pytest.mark.parametrize(("path", "status"), [("/well", 200), ("/refused", 404), ("/behind/shut", 401)])
def test_an_answer_is_measured_whoever_gave_it(client, path, status):
    assert client.get(path).status_code == status

    assert REGISTRY.get_sample_value("pideai_http_seconds_count", {"method": "GET", "route": path}) == 1
    assert REGISTRY.get_sample_value("pideai_http_in_flight", {"route": path}) == 0


async def test_who_goes_away_is_not_in_flight_any_more():
    async def waits(*_):
        await asyncio.Event().wait()

    scope = {"type": "http", "method": "GET", "path_template": "/left", "state": {}}
    asked = asyncio.create_task(Measured().handle(scope, None, None, waits))
    await asyncio.sleep(0)
    waiting = REGISTRY.get_sample_value("pideai_http_in_flight", {"route": "/left"})
    asked.cancel()
    await asyncio.wait([asked])

    assert (waiting, REGISTRY.get_sample_value("pideai_http_in_flight", {"route": "/left"})) == (1, 0)

"""OPTIONS tells every method of an address, however many handlers share it."""

import pytest
from litestar import Litestar, Router, delete, get, post
from litestar.params import FromPath
from litestar.testing import TestClient

from pideai_host.web.options import tell_methods


@get("/things")
async def list_things() -> None:
    """List."""


@post("/things")
async def make_thing() -> None:
    """Make."""


@delete("/things/{name:str}")
async def drop_thing(name: FromPath[str]) -> None:
    """Drop."""


@pytest.fixture
def client():
    router = Router("/api", route_handlers=[list_things, make_thing, drop_thing])
    with TestClient(Litestar([router], before_send=[tell_methods], openapi_config=None)) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "methods"), [("/api/things", "GET, HEAD, OPTIONS, POST"), ("/api/things/a", "DELETE, OPTIONS")]
)
def test_allow_has_all_methods(client, path, methods):
    assert client.options(path).headers.get_list("allow") == [methods]


def test_other_answers_are_left_alone(client):
    assert "allow" not in client.get("/api/things").headers
    assert client.options("/nowhere").status_code == 404

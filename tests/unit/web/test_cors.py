"""Pages of listed origins may read the API, and every answer says that it depends on who asks."""

import pytest
from litestar import Litestar, Response, get, put
from litestar.testing import TestClient

from pideai_host.web.cors import let_pages_in
from pideai_host.web.problems import MEDIA_TYPE, to_response
from pideai_host.web.requests import add_request_id

PANEL = "https://panel.example.com"
EVIL = "https://evil.example.com"


@get("/thing")
async def get_thing() -> Response[str]:
    return Response("thing", headers={"vary": "Accept-Language"})


@put("/thing")
async def put_thing() -> None:
    raise RuntimeError


@pytest.fixture
def client():
    app = Litestar(
        [get_thing, put_thing],
        exception_handlers={Exception: to_response},
        before_send=[add_request_id],
        logging_config=None,
        openapi_config=None,
    )
    with TestClient(let_pages_in(app, [PANEL])) as client:
        yield client


@pytest.mark.parametrize("origin", [None, PANEL, EVIL])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/thing"), ("PUT", "/thing"), ("GET", "/nowhere"), ("POST", "/thing")]
)
def test_every_answer_depends_on_the_origin(client, method, path, origin):
    answer = client.request(method, path, headers={} if origin is None else {"origin": origin})

    assert "Origin" in answer.headers.get_list("vary", split_commas=True)
    assert answer.headers.get("access-control-allow-origin") == (PANEL if origin == PANEL else None)


def test_what_an_answer_depends_on_otherwise_is_still_told(client):
    answer = client.get("/thing", headers={"origin": PANEL})

    assert answer.headers.get_list("vary", split_commas=True) == ["Accept-Language", "Origin"]


def asked(client, origin=PANEL, method="PUT", headers="Authorization, If-Match"):
    wanted = {"access-control-request-method": method, "access-control-request-headers": headers}
    return client.options("/thing", headers={"origin": origin, **wanted})


def test_leave_is_given_to_the_panel(client):
    answer = asked(client)

    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, PANEL)
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert "if-match" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"origin": EVIL}, "pages of this origin"),
        ({"origin": "null"}, "pages of this origin"),
        ({"method": "TRACE"}, "pages may not send TRACE"),
        ({"headers": "x-evil"}, "pages may not send the headers x-evil"),
    ],
)
def test_leave_that_is_not_given_is_a_problem(client, more, words):
    answer = asked(client, **more)

    assert (answer.status_code, answer.headers["content-type"]) == (403, MEDIA_TYPE)
    assert (answer.json()["code"], words in answer.json()["detail"]) == ("origin_not_allowed", True)
    assert "access-control-allow-origin" not in answer.headers
    assert "Origin" in answer.headers["vary"]
    assert answer.headers["x-request-id"] == answer.json()["instance"]


def test_an_options_that_asks_for_no_leave_tells_the_methods(client):
    answer = client.options("/thing", headers={"origin": PANEL})

    assert "allow" in answer.headers


def test_where_no_origin_is_listed_nothing_is_said():
    with TestClient(let_pages_in(Litestar([get_thing], openapi_config=None), [])) as client:
        answer = client.get("/thing", headers={"origin": PANEL})

    assert (answer.headers["vary"], "access-control-allow-origin" in answer.headers) == ("Accept-Language", False)

"""Every error goes out in one shape, and nothing unexpected says anything about itself."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.testing import TestClient
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from pideai_host.api import (
    AlreadyInstalled,
    ConfigRejected,
    ConfigurationError,
    CreditsExhausted,
    DatabaseUnavailable,
    HookTimeout,
    NotInstalled,
    PideaiError,
    PluginFault,
    PluginSignal,
    PluginUnknown,
    StoreProblem,
    StoreUnknown,
)
from pideai_host.events.doors import NotAChange
from pideai_host.web.auth import OwnerNeeded, TokenExpired, TokenInvalid, Unauthenticated
from pideai_host.web.jwks import KeysUnavailable
from pideai_host.web.problems import MEDIA_TYPE, TABLE, Problem, to_problem, to_response
from pideai_host.web.requests import BodyRejected, StrictRequest, add_request_id

STORE = UUID("11111111-1111-4111-8111-111111111111")


class NewKindOfStoreProblem(StoreProblem):
    code = "new_kind"


class NoChannel(PluginSignal):
    code = "channel_missing"


class OddlyNamed(PluginSignal):
    code = "No Channel\n"


class Body(msgspec.Struct, forbid_unknown_fields=True):
    slug: str


@get("/raise")
async def raise_it() -> None:
    raise RuntimeError("the password is hunter2")


@get("/away")
async def away() -> None:
    raise psycopg.OperationalError("connection to server at 10.0.0.7 failed")


@get("/token")
async def token() -> None:
    raise TokenInvalid("the token cannot be read")


@get("/items/{item_id:uuid}")
async def item(item_id: FromPath[UUID], limit: FromQuery[int] = 10) -> str:
    return f"{item_id} {limit}"


@get("/search")
async def search(word: FromQuery[str]) -> str:
    return word


@post("/items", request_max_body_size=100)
async def create(data: JSONBody[Body]) -> str:
    return data.slug


@pytest.fixture(scope="module")
def client():
    app = Litestar(
        [raise_it, away, token, item, search, create],
        exception_handlers={Exception: to_response},
        before_send=[add_request_id],
        request_class=StrictRequest,
        logging_config=None,
        openapi_config=None,
    )
    with TestClient(app) as client:
        yield client


def problem_of(response: Any) -> Problem:
    assert response.headers["content-type"] == MEDIA_TYPE
    return msgspec.json.decode(response.content, type=Problem)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ConfigRejected({"/phone": "is missing"}), 422, "config_rejected"),
        (CreditsExhausted("none"), 402, "credits_exhausted"),
        (StoreUnknown(STORE), 404, "store_unknown"),
        (PluginUnknown("x-y"), 404, "plugin_unknown"),
        (NotInstalled("x-y"), 404, "not_installed"),
        (AlreadyInstalled("x-y"), 409, "already_installed"),
        (NewKindOfStoreProblem("no"), 409, "store_problem"),
        (PluginFault("it broke", slug="x-y"), 502, "plugin_fault"),
        (HookTimeout(slug="x-y", hook="on_install", limit_s=30), 504, "hook_timeout"),
        (DatabaseUnavailable("away"), 503, "database_unavailable"),
        (psycopg.OperationalError("host=10.0.0.7"), 503, "database_unavailable"),
        (psycopg.errors.QueryCanceled("statement timeout"), 503, "database_unavailable"),
        (PoolTimeout("no connection"), 503, "database_unavailable"),
        (KeysUnavailable("not yet"), 503, "keys_unavailable"),
        (Unauthenticated("no token"), 401, "unauthenticated"),
        (TokenInvalid("bad"), 401, "token_invalid"),
        (TokenExpired("old"), 401, "token_expired"),
        (OwnerNeeded("anonymous"), 403, "owner_needed"),
        (NotAChange("no table"), 400, "not_a_change"),
        (BodyRejected({"": "not JSON"}), 400, "body_rejected"),
        (ConfigurationError("DATABASE_URL is wrong"), 500, "internal_error"),
        (PideaiError("what"), 500, "internal_error"),
        (KeyError("secret"), 500, "internal_error"),
        (psycopg.errors.UndefinedTable("relation x"), 500, "internal_error"),
        (HTTPException(status_code=415), 415, "media_type_unsupported"),
        (HTTPException(status_code=418), 400, "bad_request"),
        (HTTPException(status_code=502, detail="inner"), 500, "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_each_error_has_its_status_and_code(error, status, code):
    problem = to_problem(error, instance="r1")

    assert (problem.status, problem.code, problem.instance) == (status, code, "r1")


@pytest.mark.parametrize("code", TABLE)
def test_every_code_has_a_true_status_and_a_title(code):
    status, title = TABLE[code]

    assert HTTPStatus(status)
    assert title


def test_all_faults_of_a_configuration_are_listed():
    problem = to_problem(ConfigRejected({"/a": "is missing", "/b/0": "is no number"}), instance="r1")

    assert [(fault.pointer, fault.message) for fault in problem.faults] == [
        ("/a", "is missing"),
        ("/b/0", "is no number"),
    ]


def test_a_plugins_fault_names_the_plugin():
    assert to_problem(PluginFault("it broke", slug="x-y"), instance="r1").plugin == "x-y"


def test_an_unexpected_error_tells_nothing_but_the_request_and_is_logged(client):
    with capture_logs() as logs:
        response = client.get("/raise", headers={"x-request-id": "r-7"})

    assert (response.status_code, problem_of(response).instance) == (500, "r-7")
    assert "hunter2" not in response.text
    assert [(entry["event"], entry["request_id"]) for entry in logs] == [("request_failed", "r-7")]


def test_a_database_that_is_away_asks_to_come_back_and_shows_no_address(client):
    response = client.get("/away")

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert "10.0.0.7" not in response.text


def test_a_refused_token_names_the_scheme(client):
    assert 'error="invalid_token"' in client.get("/token").headers["www-authenticate"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/items/17", 404),
        ("DELETE", "/raise", 405),
        ("GET", f"/items/{STORE}?limit=many", 400),
        ("POST", "/items", 400),
    ],
)
def test_litestars_own_errors_are_problems_too(client, method, path, status):
    response = client.request(method, path)

    assert (response.status_code, problem_of(response).status) == (status, status)


def test_a_wrong_method_names_the_right_ones(client):
    assert "GET" in client.delete("/raise").headers["allow"]


def test_a_wrong_query_value_is_named(client):
    problem = problem_of(client.get(f"/items/{STORE}?limit=many"))

    assert [fault.pointer for fault in problem.faults] == ["/limit"]


def test_a_body_over_the_limit_is_refused(client):
    response = client.post("/items", content=b" " * 101)

    assert (response.status_code, problem_of(response).code) == (413, "body_too_large")


def test_bodies_are_not_coerced(client):
    assert problem_of(client.post("/items", content=b'{"slug": 5}')).faults[0].pointer == "/slug"


def test_a_good_body_reaches_its_handler(client):
    assert client.post("/items", content=b'{"slug": "a"}').status_code == 201


@pytest.mark.parametrize("path", ["/nothing", "/raise", f"/items/{STORE}"])
def test_every_answer_carries_one_request_id(client, path):
    assert client.get(path, headers={"x-request-id": "r-8"}).headers.get_list("x-request-id") == ["r-8"]


@pytest.mark.parametrize(
    ("path", "name"), [(f"/items/{STORE}?limit=many", "limit"), ("/search?a=b", "word")], ids=["unfit", "missing"]
)
def test_a_parameter_is_named_and_the_url_never_repeated(client, path, name):
    long = "x" * 20_000
    response = client.get(f"{path}&more={long}")
    detail = problem_of(response).detail

    assert (response.status_code, name in detail, long in response.text) == (400, True, False)
    assert "more" not in detail


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NoChannel("no channel"), "channel_missing"),
        (PluginSignal("not now"), ""),
        (ConfigRejected({"/a": "no"}), ""),
        (OddlyNamed("no channel"), ""),
        (NewKindOfStoreProblem("not now"), ""),
    ],
)
def test_a_plugins_own_name_of_an_error_is_its_reason(error, reason):
    assert to_problem(error, instance="r").reason == reason


def test_a_plugins_own_name_changes_neither_status_nor_code():
    problem = to_problem(NoChannel("no channel"), instance="r")

    assert (problem.status, problem.code, problem.detail) == (422, "plugin_signal", "no channel")

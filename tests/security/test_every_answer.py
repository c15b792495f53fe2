"""What holds for every operation of the API's document, and for addresses that are none, whatever the answer says."""

from types import SimpleNamespace
from uuid import UUID

import httpx
import pytest

from pideai_host.settings import Settings
from pideai_host.web.app import build_app
from pideai_host.web.auth import User
from pideai_host.web.front import Front
from pideai_host.web.limits import API_BODY_MAX_BYTES, WEBHOOK_BODY_MAX_BYTES
from pideai_host.web.request_limits import RequestLimits
from pideai_host.web.state import STATE_KEY

PANEL = "https://panel.example.com"
SECRET = "0123456789abcdef"
SOMEWHERE = str(UUID(int=1, version=4))


class Anybody:
    """Takes every token and lets everybody in."""

    async def receive(self, body):
        return ()

    async def verify(self, token):
        return User(UUID(int=2, version=4), "{}")

    async def require_owner(self, user, store_id):
        return None

    require_reader = require_owner


class Ready:
    async def reasons(self):
        return {}

    def warnings(self):
        return {}


@pytest.fixture(scope="module")
def app():
    built = build_app(Settings.from_env({"PIDEAI_CORS_ORIGINS": PANEL}), with_worker=False)
    built.state[STATE_KEY] = SimpleNamespace(
        door=Anybody(),
        verifier=Anybody(),
        access=Anybody(),
        webhook_secrets=[SECRET.encode()],
        readiness=Ready(),
        limits=None,
        plan=None,
        audit=None,
        trusted_proxies=(),
    )
    return built


def operations():
    paths = build_app(Settings.from_env({}), with_worker=False).openapi_schema.to_schema()["paths"]
    return [
        pytest.param(method.upper(), path, operation, id=operation["operationId"])
        for path, item in paths.items()
        for method, operation in item.items()
    ]


def filled(path):
    for name in [part.partition("}")[0] for part in path.split("{")[1:]]:
        path = path.replace(f"{{{name}}}", SOMEWHERE if name.endswith("id") else "whatsapp")
    return path


ELSEWHERE = [
    pytest.param("GET", "/nowhere", {}, id="nowhere"),
    pytest.param("GET", "/api/nowhere", {}, id="nowhere in the API"),
    pytest.param("PATCH", "/api/plugins", {}, id="another method"),
    pytest.param("GET", "/docs", {}, id="the page"),
]
each = pytest.mark.parametrize(("method", "path", "operation"), [*operations(), *ELSEWHERE])


async def ask(app, method, path, **more):
    transport = httpx.ASGITransport(Front(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://host.test") as client:
        return await client.request(method, filled(path), **more)


@each
async def test_no_answer_is_sniffed_framed_or_told_to_others(app, method, path, operation):
    answer = await ask(app, method, path)

    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"


@each
async def test_no_answer_of_the_api_is_stored(app, method, path, operation):
    answer = await ask(app, method, path)

    assert not path.startswith("/api/") or "no-store" in answer.headers["cache-control"]


async def test_another_spelling_of_an_address_of_the_api_is_not_stored_either(app):
    answer = await ask(app, "GET", "http://host.test//api/plugins")

    assert (answer.status_code, answer.headers["cache-control"]) == (401, "no-store")


@each
async def test_every_answer_carries_the_request_s_id(app, method, path, operation):
    answer = await ask(app, method, path, headers={"x-request-id": "abc-1"})

    assert answer.headers["x-request-id"] == "abc-1"


@each
async def test_the_panel_may_read_the_answer_and_nobody_else_s_page(app, method, path, operation):
    its = await ask(app, method, path, headers={"origin": PANEL})
    others = await ask(app, method, path, headers={"origin": "https://evil.example.com"})

    assert its.headers["access-control-allow-origin"] == PANEL
    assert "x-request-id" in its.headers["access-control-expose-headers"].lower()
    assert "access-control-allow-credentials" not in its.headers
    assert others.headers.get("access-control-allow-origin") is None
    assert "Origin" in its.headers["vary"]
    assert "Origin" in others.headers["vary"]


@each
async def test_a_preflight_allows_the_panel_s_origin_alone(app, method, path, operation):
    asked = {"access-control-request-method": method, "access-control-request-headers": "authorization"}
    its = await ask(app, "OPTIONS", path, headers={"origin": PANEL, **asked})
    others = await ask(app, "OPTIONS", path, headers={"origin": "https://evil.example.com", **asked})

    assert its.headers["access-control-allow-origin"] == PANEL
    assert others.headers.get("access-control-allow-origin") is None


@pytest.mark.parametrize(
    ("method", "path", "operation"), [one for one in operations() if "requestBody" in one.values[2]]
)
async def test_a_body_over_the_limit_is_refused(app, method, path, operation):
    most = WEBHOOK_BODY_MAX_BYTES if path.startswith("/webhooks/") else API_BODY_MAX_BYTES
    body = b'"' + b"x" * most + b'"'
    headers = {"authorization": "Bearer x", "x-pideai-webhook-secret": SECRET, "content-type": "application/json"}

    answer = await ask(app, method, path, headers=headers, content=body)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_user_over_the_limit_gets_429_with_the_time_to_wait(app):
    limits = RequestLimits(None, per_user=1, per_store=1)
    state, app.state[STATE_KEY] = (
        app.state[STATE_KEY],
        SimpleNamespace(**vars(app.state[STATE_KEY]) | {"limits": limits}),
    )
    headers = {"authorization": "Bearer x"}
    try:
        await ask(app, "GET", "/api/nowhere", headers=headers)
        await ask(app, "GET", "/api/plugins/UPPER", headers=headers)
        limits._shares["user", UUID(int=2, version=4)].is_over = True
        answer = await ask(app, "GET", "/api/plugins/UPPER", headers=headers)
    finally:
        app.state[STATE_KEY] = state

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"].startswith('"user";r=0;t=')
    assert answer.headers["ratelimit-policy"] == '"user";q=1;w=60'

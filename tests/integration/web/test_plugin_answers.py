"""What a plugin answers is the plugin's; what guards browsers, and every secret, is the host's."""

import dataclasses
import io
import logging
import sys
from typing import Annotated, Any

import msgspec
import pytest
from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.params import FromPath, JSONBody, QueryParameter

from pideai_host.api import PluginContext, PluginDefinition, PluginType, WebhookReply, hookimpl
from pideai_host.telemetry import get_logger, set_up
from pideai_host.web.plan import ModuleNotInPlan
from pideai_host.web.state import STATE_KEY

CANARY = 'canary/8f2b"1c'
PANEL = "https://panel.example.com"
Context = NamedDependency[PluginContext]
FORGED = {
    "access-control-allow-origin": "*",
    "access-control-allow-credentials": "true",
    "cache-control": "public, max-age=600",
    "content-security-policy": "default-src *",
    "content-length": "1",
    "referrer-policy": "unsafe-url",
    "set-cookie": "session=1",
    "strict-transport-security": "max-age=1",
    "www-authenticate": "Basic",
    "x-accel-redirect": "/etc/passwd",
    "x-content-type-options": "sniff",
    "x-request-id": "forged",
}
FORGED_TO_PROVIDERS = {name: value for name, value in FORGED.items() if name not in {"content-length", "x-request-id"}}


class Body(msgspec.Struct):
    phone: str


class Probe:
    """A plugin that says what it should not."""

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.INTEGRATION,
            subscribed_events=(),
            config_schema={"type": "object", "properties": {"apiKey": {"type": "string", "writeOnly": True}}},
        )

    @hookimpl
    async def route_webhook(self) -> WebhookReply:
        return WebhookReply(status=401, headers={**FORGED_TO_PROVIDERS, "x-own": "1"}, body=b"<script>")

    @hookimpl
    async def handle_webhook(self) -> WebhookReply:
        return WebhookReply()

    @hookimpl
    def http_routes(self) -> list[Any]:
        @get("/refuse/{status:int}")
        async def refuse(context: Context, status: FromPath[int]) -> None:
            secret = await context.secrets.get("/apiKey")
            raise HTTPException(
                f"no, says {secret}",
                status_code=status,
                headers={**FORGED, "x-kind": f"of {secret}", "retry-after": "7"},
                extra=[{"key": "zone.name", "message": f"{secret} is none"}, "no part"],
            )

        @get("/plain/{what:str}")
        async def plain(what: FromPath[str]) -> None:
            raise {"401": NotAuthorizedException(), "404": NotFoundException()}[what]

        @get("/forge")
        async def forge() -> Response[str]:
            return Response("long enough", headers={**FORGED, "x-own": "1"}, media_type="text/html")

        @get("/unsendable")
        async def unsendable() -> Response[str]:
            return Response("x", headers={"x-own": "a\r\nx-more: b"})

        @get("/strange")
        async def strange() -> Response[str]:
            return Response("x", status_code=99)

        @get("/tell")
        async def tell(context: Context) -> None:
            secret = await context.secrets.get("/apiKey")
            context.log.info("told", said=secret, within={"deep": [secret]}, error=KeyError(secret))
            get_logger("probe").warning(f"also {secret}")
            logging.getLogger("probe").warning("and %s", secret)

        @post("/stop", opt={"needs_plan": False})
        async def stop() -> None: ...

        @post("/take")
        async def take(data: JSONBody[Body], limit: Annotated[int, QueryParameter(ge=1)] = 1) -> Body:
            return data

        return [refuse, plain, forge, unsendable, strange, tell, stop, take]


@pytest.fixture
async def host(hosted):
    host = await hosted({"probe": Probe()})
    [(installation,)] = await (await host.admin.execute("select id from public.store_plugins")).fetchall()
    await host.seal(installation, "probe", "/apiKey", CANARY)
    return host


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 418, 422, 451, 501, 503])
async def test_a_refusal_keeps_its_status_under_a_code_of_the_plugins(host, status):
    answer = await host.ask("GET", f"/probe/refuse/{status}")

    problem = answer.json()
    code = "plugin_refused" if status < 500 else "plugin_unable"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert (problem["plugin"], problem["detail"]) == ("probe", "no, says [secret]")
    assert problem["faults"] == [{"pointer": "/zone/name", "message": "[secret] is none"}]
    assert (answer.headers["x-kind"], answer.headers["retry-after"]) == ("of [secret]", "7")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("status", [99, 200, 302, 500, 600])
async def test_what_is_no_refusal_is_a_fault_without_words(host, status):
    answer = await host.ask("GET", f"/probe/refuse/{status}")

    assert (answer.status_code, answer.json()["code"]) == (502, "plugin_fault")
    assert "says" not in answer.text


@pytest.mark.parametrize("what", ["401", "404"])
async def test_a_plugin_cannot_speak_as_the_host(host, what):
    answer = await host.ask("GET", f"/probe/plain/{what}")

    assert (answer.status_code, answer.json()["code"]) == (int(what), "plugin_refused")


@pytest.mark.parametrize(
    ("path", "content", "code"), [("", b"{", "body_rejected"), ("?limit=0", b'{"phone":"1"}', "bad_request")]
)
async def test_what_the_host_refuses_of_a_request_keeps_the_hosts_code(host, path, content, code):
    answer = await host.ask("POST", f"/probe/take{path}", content=content)

    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("path", ["forge", "refuse/409"])
async def test_headers_that_are_the_hosts_stay_the_hosts(host, path):
    answer = await host.ask("GET", f"/probe/{path}", headers={"x-request-id": "mine", "origin": PANEL})

    headers = answer.headers
    assert headers.get_list("x-request-id") == ["mine"]
    assert headers.get_list("access-control-allow-origin") == [PANEL]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff")
    assert headers["referrer-policy"] == "no-referrer"
    assert int(headers["content-length"]) == len(answer.content)
    assert {"set-cookie", "strict-transport-security", "www-authenticate", "x-accel-redirect"} & set(headers) == set()
    assert "access-control-allow-credentials" not in headers


async def test_a_page_of_another_origin_reads_nothing_of_a_plugins(host):
    answer = await host.ask("GET", "/probe/forge", headers={"origin": "https://evil.example.com"})

    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["unsendable", "strange"])
async def test_an_answer_that_cannot_be_sent_is_a_fault(host, path):
    answer = await host.ask("GET", f"/probe/{path}")

    assert (answer.status_code, answer.json()["code"], "x-more" in answer.headers) == (502, "plugin_fault", False)


async def test_a_plugins_words_to_a_provider_come_without_what_guards_browsers(host):
    answer = await host.client.get("/webhooks/plugins/probe")

    headers = answer.headers
    assert (answer.status_code, answer.content, headers["x-own"]) == (401, b"<script>", "1")
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert (headers["x-content-type-options"], headers["www-authenticate"]) == ("nosniff", "Basic")
    assert {"set-cookie", "access-control-allow-origin", "x-accel-redirect"} & set(headers) == set()
    assert len(headers.get_list("x-request-id")) == 1


@pytest.fixture
def log(monkeypatch, log_as_before):
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    set_up(log_format="json")
    return written


async def test_what_a_plugin_logs_comes_without_the_secrets_it_was_given(host, log):
    answer = await host.ask("GET", "/probe/tell")

    said = log.getvalue()
    assert answer.status_code == 200, said
    assert [word for word in ("told", "also [secret]", "and [secret]") if word not in said] == []
    assert "canary" not in said


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("status=zzz", "/status"),
        ("limit=0", "/limit"),
        ("since=2026", "/since"),
        ("until=1795843134.5", "/until"),
        ("since=2026-11-28T00:00:00", "/since"),
        ("cursor=zzz", "/cursor"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named_as_it_was_sent(host, query, pointer):
    answer = await host.ask("GET", f"/deliveries?{query}")

    assert (answer.status_code, [one["pointer"] for one in answer.json()["faults"]]) == (400, [pointer])


class NotInPlan:
    """A plan that includes no plugin."""

    async def require(self, user, store_id, slug):
        raise ModuleNotInPlan(slug, "couriers")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/forge", 200), ("POST", "/take", 403), ("POST", "/stop", 201)],
)
async def test_a_plan_without_the_module_uses_no_route_and_sees_and_stops_all(host, method, path, status):
    host.app.state[STATE_KEY] = dataclasses.replace(host.app.state[STATE_KEY], plan=NotInPlan())

    answer = await host.ask(method, f"/probe{path}", content=b'{"phone": "1"}' if path == "/take" else None)

    assert answer.status_code == status
    assert status != 403 or answer.json()["code"] == "module_not_in_plan"


@pytest.mark.parametrize("path", ["/deliveries?plugin=nobodys", "/audit?plugin=nobodys", "/plugins/nobodys/states"])
async def test_a_plugin_that_nobody_knows_is_not_an_empty_page(host, path):
    answer = await host.ask("GET", path)

    assert (answer.status_code, answer.json()["code"]) == (404, "plugin_unknown")


@pytest.mark.parametrize("path", ["/deliveries?plugin=probe", "/audit?plugin=probe", "/plugins/probe/states"])
async def test_a_plugin_of_the_catalogue_with_nothing_to_show_is_an_empty_page(host, path):
    answer = await host.ask("GET", path)

    assert (answer.status_code, answer.json()["items"]) == (200, [])

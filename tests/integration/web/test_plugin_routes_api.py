"""A plugin's own routes: for a store that has it, on its owner's word, and within limits, whatever the handler does."""

import asyncio
import logging
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from litestar.response import Stream

from pideai_host.api import ConfigRejected, Limits, PluginContext, PluginDefinition, PluginSignal, PluginType, hookimpl
from pideai_host.stores.calls import AT_ONCE_FOR_STORE
from pideai_host.web.limits import API_BODY_MAX_BYTES
from pideai_host.web.plugin_calls import ANSWER_MAX_BYTES

CANARY = "canary-8f2b1c"
Context = NamedDependency[PluginContext]


class Connection(msgspec.Struct):
    phone: str


class Probe:
    """A plugin whose handlers do what a test needs."""

    def __init__(self, *, timeout_s: float = 5.0) -> None:
        self.timeout_s = timeout_s
        self.calls = 0
        self.release = asyncio.Event()

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="probe",
            name="Probe",
            version="1",
            type=PluginType.INTEGRATION,
            subscribed_events=(),
            limits=Limits(timeout_s=self.timeout_s),
            config_schema={
                "type": "object",
                "properties": {"apiKey": {"type": "string", "writeOnly": True}, "zone": {"type": "string"}},
            },
        )

    @hookimpl
    def http_routes(self) -> list[Any]:  # noqa: C901 - one handler for each case
        @get("/who")
        async def who(store_id: FromPath[UUID], config: NamedDependency[dict[str, Any]], context: Context) -> Any:
            self.calls += 1
            return {"store": store_id, "bound": context.store_id, "plugin": context.plugin, "config": config}

        @post("/connect")
        async def connect(data: JSONBody[Connection]) -> Connection:
            self.calls += 1
            return data

        @get("/raise/{what:str}")
        async def fail(context: Context, what: FromPath[str]) -> None:
            secret = await context.secrets.get("/apiKey")
            errors: dict[str, BaseException] = {
                "value": ValueError(f"bad key {secret}"),
                "exit": SystemExit(secret),
                "http": NotFoundException(f"nothing for {secret}"),
                "http500": __import__("litestar").exceptions.InternalServerException(f"oops {secret}"),
                "signal": PluginSignal(f"not with {secret}", hint=f"change {secret}"),
                "config": ConfigRejected({"/apiKey": f"{secret} is refused"}),
                "cancel": asyncio.CancelledError(secret),
                "database": KeyError(secret),
            }
            raise errors[what]

        @get("/hang")
        async def hang() -> None:
            await self.release.wait()

        @get("/large")
        async def large() -> bytes:
            return b"x" * (ANSWER_MAX_BYTES + 1)

        @get("/endless")
        async def endless() -> Stream:
            async def parts() -> Any:
                yield b"first"
                await asyncio.Event().wait()

            return Stream(parts())

        @get("/teapot")
        async def teapot(request: Request) -> Response[str]:
            return Response(
                f"for {request.user.id}", status_code=418, headers={"x-kind": "pot"}, media_type="text/plain"
            )

        @get("/unserializable")
        async def unserializable() -> Any:
            return object()

        @get("/cached", cache=60)
        async def cached(context: Context) -> Any:
            return {"store": context.store_id}

        @post("/emit/{status:int}")
        async def emit(context: Context, status: FromPath[int]) -> Response[str]:
            context.emit("probe.connected", {"phone": "+58"}, key="1")
            return Response("done", status_code=status)

        return [who, connect, fail, hang, large, endless, teapot, unserializable, cached, emit]


@pytest.fixture
def probe():
    return Probe()


@pytest.fixture
async def host(hosted, probe):
    return await hosted({"probe": probe})


async def test_a_handler_gets_the_store_the_configuration_and_a_context_of_that_store(host):
    await host.admin.execute('update public.store_plugins set config = \'{"zone": "norte"}\'')

    answer = await host.ask("GET", "/probe/who")

    store = str(host.store_id)
    assert answer.json() == {"store": store, "bound": store, "plugin": "probe", "config": {"zone": "norte"}}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]


async def test_a_body_reaches_the_handler_strictly(host):
    good = await host.ask("POST", "/probe/connect", json={"phone": "+58"})
    bad = await host.ask("POST", "/probe/connect", json={"phone": 58})

    assert (good.status_code, good.json()) == (201, {"phone": "+58"})
    assert (bad.status_code, bad.json()["code"]) == (400, "body_rejected")


async def test_an_answer_comes_as_the_plugin_made_it(host):
    answer = await host.ask("GET", "/probe/teapot")

    assert (answer.status_code, answer.text, answer.headers["x-kind"]) == (418, f"for {host.owner_id}", "pot")


async def test_nobody_gets_in_without_a_token(host, probe):
    answer = await host.client.get(f"/api/stores/{host.store_id}/probe/who")

    assert (answer.status_code, answer.json()["code"], probe.calls) == (401, "unauthenticated", 0)


async def test_another_owner_finds_no_store_whether_it_has_the_plugin_or_not(host, probe):
    bare = await host.new_store()
    answers = [await host.ask("GET", "/probe/who", user_id=uuid4(), store_id=one) for one in (host.store_id, bare)]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "store_unknown")] * 2
    assert probe.calls == 0


async def test_a_store_without_the_plugin_finds_nothing(host, probe):
    other = await host.new_store(host.owner_id)

    answer = await host.ask("GET", "/probe/who", store_id=other)

    assert (answer.status_code, answer.json()["code"], probe.calls) == (404, "not_installed", 0)


async def test_a_store_that_disabled_the_plugin_finds_nothing(host, probe):
    await host.ask("PUT", "/plugins/probe", json={"enabled": False})

    answer = await host.ask("GET", "/probe/who")

    assert (answer.status_code, answer.json()["code"], probe.calls) == (404, "plugin_disabled", 0)


async def test_a_cached_answer_is_no_way_past_the_guard(host):
    assert (await host.ask("GET", "/probe/cached")).status_code == 200

    assert (await host.ask("GET", "/probe/cached", user_id=uuid4())).status_code == 404


async def test_what_is_not_there_is_a_problem(host):
    assert (await host.ask("GET", "/probe/nothing")).json()["code"] == "not_found"
    assert (await host.ask("DELETE", "/probe/who")).json()["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [
        ("value", 502, "plugin_fault"),
        ("exit", 502, "plugin_fault"),
        ("cancel", 502, "plugin_fault"),
        ("http500", 502, "plugin_fault"),
        ("http", 404, "plugin_refused"),
        ("signal", 422, "plugin_signal"),
        ("config", 422, "config_rejected"),
    ],
)
async def test_what_a_handler_raises_is_a_problem_without_secrets(host, what, status, code, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    [(installation,)] = await (await host.admin.execute("select id from public.store_plugins")).fetchall()
    await host.seal(installation, "probe", "/apiKey", CANARY)

    answer = await host.ask("GET", f"/probe/raise/{what}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert CANARY not in answer.text + caplog.text + "".join(capsys.readouterr())
    assert "Traceback" not in answer.text


async def test_an_answer_that_cannot_be_written_down_is_the_plugins_fault(host):
    answer = await host.ask("GET", "/probe/unserializable")

    assert (answer.status_code, answer.json()["code"], answer.json()["plugin"]) == (502, "plugin_fault", "probe")


async def test_a_handler_that_takes_too_long_is_ended_and_said_so(hosted):
    host = await hosted({"probe": Probe(timeout_s=0.05)})

    answer = await host.ask("GET", "/probe/hang")

    assert (answer.status_code, answer.json()["code"]) == (504, "hook_timeout")


async def test_an_answer_without_end_is_not_sent_by_half(hosted):
    host = await hosted({"probe": Probe(timeout_s=0.05)})

    answer = await host.ask("GET", "/probe/endless")

    assert (answer.status_code, answer.json()["code"]) == (504, "hook_timeout")


async def test_an_answer_that_is_too_large_is_refused(host):
    answer = await host.ask("GET", "/probe/large")

    assert (answer.status_code, answer.json()["code"]) == (502, "plugin_fault")


async def test_a_body_that_is_too_large_never_reaches_the_plugin(host, probe):
    answer = await host.ask("POST", "/probe/connect", content=b"x" * (API_BODY_MAX_BYTES + 1))

    assert (answer.status_code, answer.json()["code"], probe.calls) == (413, "body_too_large", 0)


async def test_one_store_cannot_take_all_places(host, probe):
    running = [asyncio.create_task(host.ask("GET", "/probe/hang")) for _ in range(AT_ONCE_FOR_STORE + 1)]
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    probe.release.set()

    [refused] = [one.result() for one in done]
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert refused.headers["retry-after"] == "1"
    assert {answer.status_code for answer in await asyncio.gather(*running)} == {200, 429}


async def test_a_quarantined_plugin_is_not_called(host, probe):
    host.quarantined["probe"] = "blocked the event loop"

    answer = await host.ask("GET", "/probe/who")

    assert (answer.status_code, answer.json()["code"], probe.calls) == (502, "plugin_fault", 0)


async def test_the_description_tells_of_the_plugins_routes(host):
    document = (await host.client.get("/docs/openapi.json")).json()

    operation = document["paths"]["/api/stores/{store_id}/probe/who"]["get"]
    assert (operation["operationId"], operation["tags"]) == ("probe_who", ["Probe"])


@pytest.mark.parametrize(("status", "kept"), [(200, 1), (202, 1), (302, 0), (409, 0), (500, 0)])
async def test_what_a_handler_emits_is_written_with_a_good_answer_only(host, status, kept):
    for _ in range(2):
        assert (await host.ask("POST", f"/probe/emit/{status}")).status_code == status

    cursor = await host.admin.execute("select count(*) from public.plugin_events where type = 'probe.connected'")
    assert await cursor.fetchone() == (kept,)


async def test_an_answer_that_promises_what_could_not_be_written_is_not_given(host):
    await host.admin.execute("revoke insert on public.plugin_events from pideai_host")

    answer = await host.ask("POST", "/probe/emit/200")

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


async def test_a_post_that_is_sent_again_under_its_key_is_carried_out_once(host, probe):
    keyed = {"headers": {"idempotency-key": "k-1"}, "json": {"phone": "+58"}}

    answers = [await host.ask("POST", "/probe/connect", **keyed) for _ in range(2)]

    assert [(one.status_code, one.json()) for one in answers] == [(201, {"phone": "+58"})] * 2
    assert probe.calls == 1

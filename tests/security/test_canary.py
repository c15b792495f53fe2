"""A secret goes in and never comes out: a whole run of the host, with every plugin, whose outputs are all searched.

The probe is as careless as a plugin can be: it puts its secrets into errors, answers, notices and refusals.
"""

import asyncio
import base64
import io
import logging
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException
from litestar.params import FromPath
from psycopg import sql
from tests.auth_server import keys_served
from tests.log import log_put_back

from pideai_host.api import (
    ConfigRejected,
    PluginDefinition,
    PluginType,
    RetryPolicy,
    delivered,
    failed,
    hookimpl,
    retry,
)
from pideai_host.db.dev import create_demo_store
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings
from pideai_host.stores.catalogue import sync_catalogue
from pideai_host.telemetry import get_logger, hush_output, set_up, tracing
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.app import build_app
from pideai_host.web.traced import TracedFront

ISSUER = "https://project.test/auth/v1"
OWNER = UUID(int=1, version=4)
DOOR = "canary-door-0123456789"
FIELDS = {
    "key": "canary-key-1f",
    "account": {"name": "main", "token": "canary-token-2e"},
    "accounts": [{"name": "other", "token": "canary-other-3d"}],
}
POINTERS = ("/key", "/account/token", "/accounts/0/token")
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"canary-webhook-secret-4c").decode()
OPERATOR = "canary-operator-5b"
CUSTOMER = ("ana@example.com", "04141234567", "584141234567", "4141234567")
SECRETS = ("canary", WEBHOOK_SECRET.removeprefix("whsec_"))
TOKEN = {"type": "object", "properties": {"name": {"type": "string"}, "token": {"type": "string", "writeOnly": True}}}


class Careless:
    """Opens all that it has, and tells it everybody."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="careless",
            name="Careless",
            version="1",
            type=PluginType.INTEGRATION,
            subscribed_events=("order.created",),
            webhook=True,
            retry=RetryPolicy(delays_s=(0.01, 0.01), jitter=0.0),
            config_schema={
                "type": "object",
                "properties": {
                    "key": {"type": "string", "writeOnly": True},
                    "mood": {"type": "string"},
                    "account": TOKEN,
                    "accounts": {"type": "array", "items": {"allOf": [TOKEN]}},
                },
                "additionalProperties": False,
            },
            api=">=1.1,<2",
        )

    async def _all(self, context: Any) -> str:
        own = [await context.secrets.get(name) for name in (*POINTERS, "webhook_secret")]
        return " ".join([*filter(None, own), context.secrets.operator("KEY") or ""])

    def _tell(self, context: Any, said: str) -> None:
        """Talk, in all ways that the process's own output hears of."""
        context.log.info("careless", said=said, config={"deep": [said]}, error=ValueError(said))
        get_logger("careless").warning(f"my {said}")
        logging.getLogger("careless").warning("the library's %s", said)
        print("printed", said)  # noqa: T201 - plugins do
        sys.stderr.write(f"written {said}\n")

    @hookimpl
    async def on_config_change(self, config: Mapping[str, Any], context: Any) -> None:
        said = await self._all(context)
        if config.get("mood") == "refuses":
            raise ConfigRejected({"/key": f"{said} is refused"})
        if config.get("mood") == "fails":
            raise RuntimeError(said)

    @hookimpl
    async def handle_event(self, event: Any, context: Any) -> Any:
        said = await self._all(context)
        self.heard.append(said)
        await context.notify(f"aviso {said}")
        self._tell(context, said)
        match len(self.heard):
            case 1:
                return retry(f"refused {said}", response_code=401, response_body=said)
            case 2:
                raise RuntimeError(said)
            case 3:
                return failed(said, response_code=500)
            case _:
                return delivered({"used": said, "list": [{said: 1}]})

    @hookimpl
    def http_routes(self) -> list[Any]:
        @get("/refused")
        async def refused(context: NamedDependency[Any]) -> None:
            raise ClientException(await self._all(context))

        @get("/refused/{status:int}")
        async def refused_so(context: NamedDependency[Any], status: FromPath[int]) -> None:
            said = await self._all(context)
            extra = [{"key": said, "message": said}]
            raise HTTPException(said, status_code=status, headers={"x-why": said}, extra=extra)

        @get("/ends")
        async def ends(context: NamedDependency[Any]) -> None:
            raise SystemExit(await self._all(context))

        @post("/broken")
        async def broken(context: NamedDependency[Any]) -> None:
            raise RuntimeError(await self._all(context))

        return [refused, refused_so, ends, broken]


class Run:
    """A host that is running, and all that it says."""

    def __init__(self, client: httpx.AsyncClient, signer: TokenSigner, store_id: UUID, admin: Any) -> None:
        self.client, self.signer, self.store_id, self.admin = client, signer, store_id, admin
        self.said: list[str] = []

    async def ask(self, method: str, path: str, *, expected: int, body: Any = None, **headers: str) -> Any:
        sent = {"authorization": f"Bearer {self.signer.token(OWNER)}", "if-match": "*"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        address = path.replace("/store", f"/api/stores/{self.store_id}", 1)
        answer = await self.client.request(method, address, headers=sent, json=body)
        assert answer.status_code == expected, answer.text
        self.said += [answer.text, str(answer.headers)]
        return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None

    async def settled(self, status: str, count: int) -> list[UUID]:
        async with asyncio.timeout(20):
            while True:
                rows = await (
                    await self.admin.execute("select id from public.plugin_events_log where status = %s", (status,))
                ).fetchall()
                if len(rows) >= count:
                    return [row[0] for row in rows]
                await asyncio.sleep(0.02)

    async def dump(self) -> list[str]:
        """Read every row of every table that the host has."""
        tables = await (
            await self.admin.execute(
                """select schemaname, tablename from pg_tables
                where schemaname in ('pideai_host', 'pgmq')
                   or tablename in ('plugins', 'store_plugins', 'plugin_events', 'plugin_events_log')"""
            )
        ).fetchall()
        found = []
        for table in tables:
            rows = await self.admin.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(*table)))
            found += [row[0] for row in await rows.fetchall()]
        return found


@pytest.fixture
def careless() -> Careless:
    return Careless()


@pytest.fixture
async def run(collector, database, admin_conn, careless, monkeypatch) -> AsyncIterator[Run]:
    monkeypatch.setenv("PIDEAI_PLUGIN_CARELESS_KEY", OPERATOR)
    registry = Registry.of({"careless": careless, **loaded_plugins()})
    await sync_catalogue(admin_conn, registry.definitions.values())
    store_id = await create_demo_store(admin_conn, owner_id=OWNER, subdomain="la-esquina", name="La Esquina")
    signer = TokenSigner(ISSUER)

    async with keys_served(signer) as keys:
        settings = Settings(
            database_url=database.runtime_url,
            embedded=False,
            master_keys=(("k1", b"k" * 32),),
            webhook_secrets=(DOOR,),
            jwks_url=keys,
            jwt_issuer=ISSUER,
            plan_gate=False,
            log_level="debug",
        )
        app = build_app(settings, registry, with_worker=True)
        transport = httpx.ASGITransport(TracedFront(app, tracing.active), raise_app_exceptions=False)
        started, over = asyncio.Event(), asyncio.Event()

        async def live() -> None:
            async with app.lifespan():
                started.set()
                await over.wait()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(live())
            await started.wait()
            async with httpx.AsyncClient(transport=transport, base_url="http://host.test") as client:
                yield Run(client, signer, store_id, admin_conn)
            over.set()


def loaded_plugins() -> dict[str, Any]:
    from pideai_webhook_bridge.plugin import plugin as bridge
    from pideai_whatsapp.plugin import plugin as whatsapp

    assert set(load_registry({"whatsapp", "webhook-bridge"}).definitions) == {"whatsapp", "webhook-bridge"}
    return {"webhook-bridge": bridge, "whatsapp": whatsapp}


async def order_placed(run: Run) -> None:
    cursor = await run.admin.execute(
        """with placed as (
          insert into public.orders (id, store_id, customer_name, customer_email, customer_phone, total_amount,
                                     order_type)
          values (%s, %s, 'Ana', 'ana@example.com', '04141234567', 0, 'pickup') returning *)
        select jsonb_build_object('type', 'INSERT', 'table', 'orders', 'schema', 'public',
                                  'record', to_jsonb(placed), 'old_record', null)::text from placed""",
        (uuid4(), run.store_id),
    )
    [body] = await cursor.fetchone()
    answer = await run.client.post(
        "/webhooks/supabase", content=body.encode(), headers={"x-pideai-webhook-secret": DOOR}
    )
    run.said.append(answer.text)
    assert answer.status_code == 202


@contextmanager
def spoken(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Give what the process says within the block, as `pideai-host serve` has set it up."""
    written = io.StringIO()
    with log_put_back(), monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", written)
        patch.setattr(sys, "stderr", written)
        hush_output()
        set_up(level="debug", log_format="json")
        yield written


async def test_no_output_of_a_whole_run_holds_a_secret(run, careless, collector, monkeypatch):
    with spoken(monkeypatch) as output:
        receiver = "https://receiver.test/hook"
        made = {"webhook_url": receiver, "webhook_secret": WEBHOOK_SECRET}
        install = {"slug": "careless", "config": FIELDS, **made}
        for _ in range(2):
            await run.ask("POST", "/store/plugins", expected=201, body=install, idempotency_key="one")
        await run.ask("POST", "/store/plugins", expected=201, body={"slug": "webhook-bridge", **made})
        await run.ask(
            "POST", "/store/plugins", expected=201, body={"slug": "whatsapp", "config": {"provider": "console"}}
        )
        for wrong in ({"key": [FIELDS["key"]]}, {"canaried": FIELDS["key"]}, {"mood": "refuses"}):
            refused = await run.client.put(
                f"/api/stores/{run.store_id}/plugins/careless",
                json={"config": wrong},
                headers={"authorization": f"Bearer {run.signer.token(OWNER)}", "if-match": "*"},
            )
            assert refused.status_code == 422
            run.said.append(refused.text.replace("canaried", ""))  # the name that the client itself gave
        await run.ask("PUT", "/store/plugins/careless", expected=502, body={"config": {**FIELDS, "mood": "fails"}})
        await run.ask("PUT", "/store/plugins/careless", expected=422, body={"webhook_secret": "canary-unfit"})

        await order_placed(run)
        [delivery] = await run.settled("failed", 1)
        await run.ask("POST", f"/store/deliveries/{delivery}/replay", expected=202)
        await run.settled("delivered", 1)
        await run.ask("GET", "/store/careless/refused", expected=400)
        await run.ask("GET", "/store/careless/refused/410", expected=410)
        await run.ask("GET", "/store/careless/refused/503", expected=503)
        await run.ask("GET", "/store/careless/ends", expected=502)
        await run.ask("POST", "/store/careless/broken", expected=502, idempotency_key="two")
        for path in (
            "plugins",
            "plugins/careless",
            "deliveries",
            f"deliveries/{delivery}",
            "events",
            "audit",
            "credits",
        ):
            await run.ask("GET", f"/store/{path}", expected=200)
        for path in ("/api/plugins", "/health/ready", "/docs/openapi.json"):
            await run.ask("GET", path, expected=200)
        await run.ask("PUT", "/store/plugins/careless", expected=200, body={"enabled": False})
        await run.ask("DELETE", "/store/plugins/webhook-bridge", expected=204)

    from prometheus_client import generate_latest

    traced = {one.name for one in collector.spans()}
    assert traced >= {"POST /webhooks/supabase", "event order.created", "deliver careless", "careless handle_event"}
    traces = [body.decode("latin-1") for body in collector.bodies]
    assert [text for text in traces if any(told in text for told in CUSTOMER)] == []
    told = output.getvalue()
    said = [*run.said, *await run.dump(), generate_latest().decode(), *traces, told]
    assert [word for word in ("careless", "my ", "the library's ", "printed ", "written ") if word not in told] == []
    assert len(careless.heard) == 4
    assert all(secret in careless.heard[0] for secret in (FIELDS["key"], "canary-token-2e", WEBHOOK_SECRET, OPERATOR))
    assert [text[:2_000] for text in said if any(secret in text for secret in SECRETS)] == []

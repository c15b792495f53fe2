"""The plugins that docs/plugins.md writes down do what it says of them."""

import asyncio
import base64
import hashlib
import hmac
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from pideai_host.cli.plugin_context import HostCommand
from pideai_host.events.plugin_jobs import HostJob
from pideai_host.events.reach import ReachParts
from pideai_host.plugins.migrating import migrate_plugins, roll_back_plugin
from pideai_host.plugins.registry import Registry
from pideai_host.web.state import STATE_KEY

DOCUMENT = Path(__file__).parents[3] / "docs" / "plugins.md"


@pytest.fixture
def written(monkeypatch) -> Callable[[str], Any]:
    """Return the plugin of the first Python block below a heading."""

    def read(heading: str) -> Any:
        section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        module = ModuleType("documented")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # where the types' names are looked up
        exec(compile(section.split("```python\n")[1].split("```")[0], str(DOCUMENT), "exec"), vars(module))
        return module.plugin

    return read


@pytest.fixture
async def courier(hosted, written):
    return await hosted({"acme-courier": written("Routes of its own")})


async def test_its_routes_keep_what_they_are_told_for_their_own_store(courier):
    made = await courier.ask("POST", "/acme-courier/zones", json={"name": "Centro"})
    again = await courier.ask("POST", "/acme-courier/zones", json={"name": "Centro"})
    shown = await courier.ask("GET", "/acme-courier/status")

    assert (made.status_code, made.json()) == (201, {"name": "Centro"})
    assert (again.status_code, again.json()["detail"]) == (422, "esa zona ya existe: Centro")
    assert shown.json() == {"store": str(courier.store_id), "city": None, "zones": ["Centro"]}


async def test_its_routes_are_described_under_its_name(courier):
    document = (await courier.client.get("/docs/openapi.json")).json()

    operation = document["paths"]["/api/stores/{store_id}/acme-courier/zones"]["post"]
    assert (operation["operationId"], operation["tags"]) == ("acme_courier_addZone", ["Acme Courier"])
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Zone")


@pytest.fixture
async def pay(hosted, written, operator):
    operator["PIDEAI_PLUGIN_ACME_PAY_WEBHOOK_SECRET"] = "s-3cret"
    host = await hosted({"acme-pay": written("Calls from providers")})
    await host.admin.execute('update public.store_plugins set config = \'{"merchant": "m-1"}\'')
    return host


def signed(body: bytes, secret: str = "s-3cret") -> dict[str, str]:
    return {"x-acme-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def test_its_webhook_emits_a_payment_and_settles_a_delivery(pay):
    delivery_id = uuid4()
    await pay.admin.execute(
        """insert into public.plugin_events_log
             (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status)
           select %s, store_id, plugin_id, 'order.ready', id, gen_random_uuid(), now(), 'pideai_acme_pay', 'sent'
           from public.store_plugins""",
        (delivery_id,),
    )
    told = {
        "merchant": "m-1",
        "payments": [{"id": "p-1", "amount": 12, "order": str(uuid4())}],
        "receipts": [{"delivery": str(delivery_id), "read": True}],
    }
    body = json.dumps(told).encode()

    answer = await pay.client.post("/webhooks/plugins/acme-pay", content=body, headers=signed(body))

    assert (answer.status_code, answer.text) == (200, "accepted")
    cursor = await pay.admin.execute(
        "select (select type from public.plugin_events), (select status from public.plugin_events_log)"
    )
    assert await cursor.fetchall() == [("payment.completed", "delivered")]


@pytest.mark.parametrize("at", ["", "/{store}"])
async def test_its_webhook_takes_nothing_that_is_not_signed(pay, at):
    body = b'{"merchant": "m-1", "payments": []}'
    path = "/webhooks/plugins/acme-pay" + at.format(store=pay.store_id)

    answers = [await pay.client.post(path, content=body, headers=headers) for headers in ({}, signed(body, "guessed"))]

    assert [answer.status_code for answer in answers] == [401, 401]


@pytest.fixture
def migrated(written, monkeypatch, tmp_path, database):
    """The plugin below "Jobs", with the tables below "Tables of its own" in the database."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## Tables of its own\n")[1].split("\n## ")[0]
    up, down = (part.split("```")[0] for part in section.split("```sql\n")[1:])
    folder = tmp_path / "acme_courier" / "migrations"
    (folder / "rollback").mkdir(parents=True)
    (folder / "001_pickups.sql").write_text(up)
    (folder / "rollback" / "001_pickups.sql").write_text(down)
    monkeypatch.syspath_prepend(tmp_path)
    plugin = written("Jobs")
    registry = Registry.of({"acme-courier": plugin})
    [done] = migrate_plugins(database.admin_url, registry)
    assert (done.names, done.fault) == (("001_pickups",), None)
    yield plugin
    roll_back_plugin(database.admin_url, registry, "acme-courier", 1)
    for name in [name for name in sys.modules if name.startswith("acme_courier")]:
        del sys.modules[name]


async def test_its_job_tells_of_what_is_late_and_tells_it_once(hosted, migrated, pool, operator):
    host = await hosted({"acme-courier": migrated})
    await host.admin.execute(
        """insert into pideai_acme_courier.pickups (id, store_id, delivery_id, carrier_number, called_at)
        values (gen_random_uuid(), %(store)s, gen_random_uuid(), 'A-7', now() - interval '2 hours'),
               (gen_random_uuid(), %(store)s, gen_random_uuid(), 'A-8', now())""",
        {"store": host.store_id},
    )
    state = host.app.state[STATE_KEY]
    parts = ReachParts(pool=pool, http=None, environ=operator, calls=state.store_calls, outbox=state.outbox)
    [job] = migrated.jobs()
    for _ in range(2):
        await job.run(HostJob("acme-courier", job.name, parts))
    told = await host.admin.execute("select store_id, type, payload from public.plugin_events")

    assert await told.fetchall() == [(host.store_id, "courier.late", {"number": "A-7"})]


async def test_its_command_switches_off_the_stores_that_it_names(hosted, written, database, monkeypatch):
    courier = written("Commands")
    host = await hosted({"acme-courier": courier})
    elsewhere = await host.new_store()
    await host.install("acme-courier", store_id=elsewhere)
    await host.admin.execute("update public.stores set address = 'Valencia' where id = %s", (host.store_id,))
    monkeypatch.setenv("DATABASE_URL", database.runtime_url)
    monkeypatch.setenv("ADMIN_DATABASE_URL", database.admin_url)
    monkeypatch.setenv("PIDEAI_MASTER_KEYS", "k1:" + base64.b64encode(bytes(32)).decode())
    context = HostCommand("acme-courier", Registry.of({"acme-courier": courier}))
    [command] = courier.cli_commands()

    def call(city):
        return CliRunner().invoke(command, [city], obj=context)

    done, failed = await asyncio.to_thread(call, "valencia"), await asyncio.to_thread(call, "quito")
    rows = await host.admin.execute("select store_id, enabled from public.store_plugins")

    assert (done.output, done.exception) == ("Switched off: 1.\n", None)
    assert failed.exception.message == "no store is in quito"
    assert dict(await rows.fetchall()) == {host.store_id: False, elsewhere: True}


async def test_its_event_type_is_listed_with_schema_and_sample(hosted, written):
    host = await hosted({"acme-courier": written("Event types of its own")})
    headers = {"authorization": f"Bearer {host.signer.token(host.owner_id)}"}
    told = (await host.client.get("/api/event-types/courier.late", headers=headers)).json()

    assert (told["sample"], told["payload_schema"]["required"]) == ({"number": "A-7"}, ["number"])

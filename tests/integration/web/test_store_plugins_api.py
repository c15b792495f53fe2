"""An owner installs, sees, changes and removes a plugin over HTTP; nobody else can, and no secret ever comes back."""

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import AsyncTestClient

from pideai_host.api import ConfigRejected, PluginDefinition, PluginType, hookimpl
from pideai_host.db.dev import create_demo_store
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.catalogue import Catalogue, sync_catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.credit_accounts import CreditAccounts
from pideai_host.stores.credit_grants import CreditGrants
from pideai_host.stores.credits import DeliveryCredits
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.access import StoreAccess
from pideai_host.web.auth import Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.problems import to_response
from pideai_host.web.readiness import Readiness
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.state import STATE_KEY, HostState

ISSUER = "https://project.test/auth/v1"
CANARY = "canary-8f2b1c"


class Courier:
    """A plugin with a secret, a webhook and an opinion."""

    @hookimpl
    def plugin_definition(self) -> PluginDefinition:
        return PluginDefinition(
            slug="courier",
            name="Courier",
            version="1.2.0",
            type=PluginType.DELIVERY,
            subscribed_events=("order.ready",),
            config_schema={
                "type": "object",
                "properties": {
                    "apiKey": {"type": "string", "writeOnly": True},
                    "zone": {"type": "string", "default": "centro"},
                },
                "required": ["apiKey"],
                "additionalProperties": False,
            },
            webhook=True,
        )

    @hookimpl
    async def on_install(self, config: Mapping[str, Any]) -> None:
        if config["zone"] == "luna":
            raise ConfigRejected({"/zone": "is not served"})

    @hookimpl
    async def handle_event(self) -> None:
        """Deal with nothing: no event comes here."""


class Api(NamedTuple):
    client: AsyncTestClient[Litestar]
    signer: TokenSigner
    owner_id: UUID
    store_id: UUID

    async def ask(
        self, method: str, path: str = "", *, user_id: UUID | None = None, body: Any = None, upon: str = "*"
    ) -> httpx.Response:
        return await self.client.request(
            method,
            f"/api/stores/{self.store_id}/plugins{path}",
            headers={
                "authorization": f"Bearer {self.signer.token(user_id or self.owner_id)}",
                **({"if-match": upon} if method in {"PUT", "DELETE"} else {}),
            },
            json=body,
        )

    async def install(self, **config: Any) -> httpx.Response:
        body = {"slug": "courier", "config": config, "webhook_url": "https://courier.test/hook"}
        return await self.ask("POST", body=body)


@pytest.fixture
async def api(pool, admin_conn) -> AsyncIterator[Api]:
    signer = TokenSigner(ISSUER)
    owner_id = uuid4()
    store_id = await create_demo_store(admin_conn, owner_id=owner_id, subdomain="la-esquina", name="La Esquina")
    registry = Registry.of({"courier": Courier()})
    await sync_catalogue(admin_conn, registry.definitions.values())
    sealer = Sealer([("k1", bytes(32))])
    runner = HookRunner()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    async with httpx.AsyncClient(transport=transport) as http:
        keys = JwksCache(http, "http://auth.test/jwks.json")
        host = HostState(
            door=None,
            webhook_secrets=(),
            verifier=Verifier(keys, issuer=ISSUER),
            access=StoreAccess(pool),
            catalogue=Catalogue(pool),
            installations=Installations(pool),
            breakers=BreakerRows(pool),
            credits=CreditAccounts(pool),
            delivery_log=None,
            replays=None,
            replay_ranges=None,
            store_calls=None,
            outbox=None,
            provider_webhooks=None,
            audit=AuditTrail(pool),
            operator=None,
            try_out=None,
            notices=None,
            live=None,
            lifecycle=Lifecycle(pool, registry, runner, ContextFactory(pool, http, sealer, {}), sealer),
            readiness=Readiness(pool, keys, worker_running=None),
        )
        app = Litestar(
            routes(),
            exception_handlers={Exception: to_response},
            before_send=[add_request_id],
            openapi_config=None,
            logging_config=None,
            state=State({STATE_KEY: host}),
        )
        async with AsyncTestClient(app) as client:
            yield Api(client, signer, owner_id, store_id)
    await runner.aclose()


async def test_the_catalogue_shows_what_was_synced(api):
    headers = {"authorization": f"Bearer {api.signer.token(api.owner_id)}"}

    items = (await api.client.get("/api/plugins", headers=headers)).json()["items"]
    courier = (await api.client.get("/api/plugins/courier", headers=headers)).json()

    assert [item["slug"] for item in items] == ["courier"]
    assert (courier["version"], courier["required_events"], courier["is_active"]) == ("1.2.0", ["order.ready"], True)


async def test_an_installation_is_shown_with_its_defaults_and_without_its_secrets(api):
    made = await api.install(apiKey=CANARY)
    listed = await api.ask("GET")

    assert (made.status_code, made.json()["config"]) == (201, {"zone": "centro"})
    assert made.json()["webhook_secret"].startswith("whsec_")
    [shown] = listed.json()["items"]
    assert shown.pop("breaker")["phase"] == "closed"
    assert shown == {name: value for name, value in made.json().items() if name != "webhook_secret"}
    assert listed.json()["items"][0]["secrets"] == ["/apiKey", "webhook_secret"]


async def test_no_answer_no_log_and_no_row_holds_a_secret_in_clear(api, admin_conn, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    answers = [
        await api.install(apiKey=CANARY),
        await api.ask("PUT", "/courier", body={"config": {"zone": "norte"}}),
        await api.ask("PUT", "/courier", body={"config": {"zone": 7, "apiKey": CANARY}}),
        await api.ask("PUT", "/courier", body={"config": {"apiKey": [CANARY]}}),
        await api.ask("PUT", "/courier", body={"webhook_secret": CANARY}),
        await api.install(apiKey=CANARY),
        await api.ask("GET"),
    ]
    rows = await (
        await admin_conn.execute(
            "select to_jsonb(sp)::text from public.store_plugins sp"
            " union all select to_jsonb(s)::text from pideai_host.installation_secrets s"
        )
    ).fetchall()
    said = [answer.text for answer in answers] + [caplog.text, *capsys.readouterr(), *(row[0] for row in rows)]

    assert [answer.status_code for answer in answers] == [201, 200, 422, 422, 422, 409, 200]
    assert not [text for text in said if CANARY in text]


async def test_a_secret_left_out_stays(api):
    await api.install(apiKey=CANARY)

    changed = await api.ask("PUT", "/courier", body={"config": {"zone": "norte"}})

    assert (changed.status_code, changed.json()["config"]) == (200, {"zone": "norte"})
    assert "/apiKey" in changed.json()["secrets"]


async def test_of_two_tabs_the_second_learns_that_the_first_was_there(api):
    await api.install(apiKey=CANARY)
    read = (await api.ask("GET", "/courier")).headers["etag"]

    first = await api.ask("PUT", "/courier", body={"config": {"zone": "norte"}}, upon=read)
    second = await api.ask("PUT", "/courier", body={"config": {"zone": "sur"}}, upon=read)
    gone = await api.ask("DELETE", "/courier", upon=read)
    shown = await api.ask("GET", "/courier")

    assert (first.status_code, second.status_code, second.json()["code"]) == (200, 412, "changed_meanwhile")
    assert (gone.status_code, shown.json()["config"]) == (412, {"zone": "norte"})
    assert (first.headers["etag"], first.json()) == (shown.headers["etag"], shown.json())


async def test_a_tag_of_an_installation_that_is_gone_fits_none_that_comes_after(api):
    old = (await api.install(apiKey=CANARY)).headers["etag"]
    await api.ask("DELETE", "/courier", upon=old)
    await api.install(apiKey=CANARY)

    assert (await api.ask("DELETE", "/courier", upon=old)).status_code == 412
    assert (await api.ask("PUT", "/courier", body={"config": {}}, upon=old)).status_code == 412


async def test_a_catalogue_that_did_not_change_is_not_sent_again(api):
    headers = {"authorization": f"Bearer {api.signer.token(api.owner_id)}"}
    for path in ("/api/plugins", "/api/plugins/courier"):
        known = {"if-none-match": (await api.client.get(path, headers=headers)).headers["etag"]}

        assert (await api.client.get(path, headers=headers | known)).status_code == 304


async def test_the_states_that_it_was_in_are_listed_page_by_page(api):
    await api.install(apiKey=CANARY)
    await api.ask("PUT", "/courier", body={"enabled": False})
    await api.ask("DELETE", "/courier")

    first = (await api.ask("GET", "/courier/states?limit=3")).json()
    rest = (await api.ask("GET", f"/courier/states?cursor={first['next_cursor']}")).json()
    changes = [(one["from_state"], one["to_state"]) for one in first["items"] + rest["items"]]

    assert changes == [
        ("uninstalling", None),
        ("disabled", "uninstalling"),
        ("enabled", "disabled"),
        ("installing", "enabled"),
        (None, "installing"),
    ]
    assert rest["next_cursor"] is None


async def test_a_policy_is_set_shown_and_taken_back(api):
    await api.install(apiKey=CANARY)

    policy = {"retry": {"delays_s": [5, 60]}, "max_age_s": None, "ordered": True}
    changed = await api.ask("PUT", "/courier", body={"policy": policy})
    [listed] = (await api.ask("GET")).json()["items"]
    cleared = await api.ask("PUT", "/courier", body={"policy": None})

    assert (changed.status_code, listed["policy"], cleared.json()["policy"]) == (200, policy, None)


async def test_every_fault_of_a_policy_comes_at_once_and_nothing_is_kept(api):
    await api.install(apiKey=CANARY)

    policy = {"limits": {"concurrency_per_installation": 51}, "max_age_s": "old", "speed": 1}
    refused = await api.ask("PUT", "/courier", body={"policy": policy, "enabled": False})
    [listed] = (await api.ask("GET")).json()["items"]

    assert (refused.status_code, [fault["pointer"] for fault in refused.json()["faults"]]) == (
        422,
        ["/policy/limits/concurrency_per_installation", "/policy/max_age_s", "/policy/speed"],
    )
    assert (listed["policy"], listed["enabled"]) == (None, True)


async def test_a_second_installation_is_refused(api):
    await api.install(apiKey=CANARY)

    assert (await api.install(apiKey=CANARY)).status_code == 409


async def test_every_fault_of_the_configuration_comes_at_once_and_nothing_is_kept(api):
    refused = await api.install(zone=5, colour="red")

    assert (refused.status_code, refused.json()["code"]) == (422, "config_rejected")
    assert len(refused.json()["faults"]) == 3
    assert (await api.ask("GET")).json() == {"items": []}


async def test_a_plugin_may_refuse_and_nothing_is_kept(api):
    refused = await api.install(apiKey=CANARY, zone="luna")

    assert refused.json()["faults"] == [{"pointer": "/zone", "message": "is not served"}]
    assert (await api.ask("GET")).json() == {"items": []}


async def test_a_plugin_can_be_switched_off_and_removed(api):
    await api.install(apiKey=CANARY)

    off = await api.ask("PUT", "/courier", body={"enabled": False})
    gone = await api.ask("DELETE", "/courier")
    again = await api.ask("DELETE", "/courier")

    assert (off.status_code, off.json()["enabled"]) == (200, False)
    assert (gone.status_code, again.status_code, again.json()["code"]) == (204, 404, "not_installed")
    assert (await api.ask("GET")).json() == {"items": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/courier", None),
        ("POST", "", {"slug": "courier"}),
        ("PUT", "/courier", {"enabled": False}),
        ("DELETE", "/courier", None),
        ("GET", "/courier/credits", None),
        ("GET", "/courier/credits/ledger", None),
        ("GET", "/courier/breaker", None),
        ("POST", "/courier/breaker/reset", None),
    ],
)
async def test_another_owner_finds_no_store_and_changes_nothing(api, admin_conn, method, path, body):
    other = uuid4()
    await create_demo_store(admin_conn, owner_id=other, subdomain="otra", name="Otra")
    await api.install(apiKey=CANARY)

    answer = await api.ask(method, path, user_id=other, body=body)

    assert (answer.status_code, answer.json()["code"]) == (404, "store_unknown")
    assert (await api.ask("GET")).json()["items"][0]["enabled"]


async def test_a_breaker_is_seen_with_its_reason_and_closed_by_its_owner(api, pool):
    installation_id = UUID((await api.install(apiKey=CANARY)).json()["id"])
    rows = BreakerRows(pool)
    await rows.open(installation_id, "courier", version=0, openings=1, cool_down_s=60, reason="answered 503")

    [listed] = (await api.ask("GET")).json()["items"]
    seen = (await api.ask("GET", "/courier/breaker")).json()
    closed = await api.ask("POST", "/courier/breaker/reset")

    assert (seen["phase"], seen["reason"], seen["next_probe_at"] is not None) == ("open", "answered 503", True)
    assert (listed["breaker"], closed.status_code, closed.json()["phase"]) == (seen, 200, "closed")
    assert (await api.ask("GET", "/courier/breaker")).json() == closed.json()


async def test_a_breaker_that_never_opened_is_closed_and_can_be_reset(api):
    await api.install(apiKey=CANARY)

    seen = (await api.ask("GET", "/courier/breaker")).json()

    assert (seen["phase"], seen["opened_at"], seen["parked"]) == ("closed", None, 0)
    assert (await api.ask("POST", "/courier/breaker/reset")).json() == seen


async def test_a_plugin_that_is_not_installed_has_no_breaker(api):
    for method, path in (("GET", "/courier/breaker"), ("POST", "/courier/breaker/reset")):
        answer = await api.ask(method, path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_installed")


async def test_an_owner_sees_what_was_granted_and_every_movement(api, pool):
    await CreditGrants(pool).grant(api.store_id, "courier", "extra", 5, reference="invoice-1")
    await DeliveryCredits(pool, api.store_id, "courier", uuid4()).reserve()
    account = (await api.ask("GET", "/courier/credits")).json()
    page = (await api.ask("GET", "/courier/credits/ledger?limit=1")).json()
    rest = (await api.ask("GET", f"/courier/credits/ledger?cursor={page['next_cursor']}")).json()

    assert (account["available"], account["reserved"]) == (4, 1)
    assert [one["movement"] for one in page["items"] + rest["items"]] == ["reserve", "grant"]
    assert (rest["items"][0]["reference"], rest["next_cursor"]) == ("invoice-1", None)


async def test_readiness_sees_the_database(api):
    await api.ask("GET")  # loads the keys

    assert (await api.client.get("/health/ready")).json() == {"status": "ok", "reasons": {}}


async def test_a_body_that_says_it_is_no_json_is_refused_as_such(api):
    answer = await api.client.post(
        f"/api/stores/{api.store_id}/plugins",
        content=b'{"slug": "courier"}',
        headers={"authorization": f"Bearer {api.signer.token(api.owner_id)}", "content-type": "text/plain"},
    )

    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")

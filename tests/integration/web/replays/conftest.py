"""The endpoints of deliveries and replays, on a store with some of each."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import AsyncTestClient

from pideai_host.events.delivery_log import DeliveryLog
from pideai_host.events.replay import Replays
from pideai_host.events.replay_range import ReplayRanges
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.catalogue import Catalogue
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
BULK = "pideai_probe__bulk"
SINCE = "2026-01-01T00:00:00Z"

SEED = """
with placed as (
  select n, gen_random_uuid() as event_id, now() - n * interval '1 minute' as at, status, %(type)s as type
  from unnest(%(statuses)s::text[]) with ordinality as s (status, n)
),
kept as (
  insert into public.plugin_events (id, created_at, store_id, type, payload, occurred_at, source, completed_at)
  select event_id, at, %(store_id)s, type, '{}', at, 'webhook', at from placed
),
logged as (
  insert into public.plugin_events_log
    (id, created_at, store_id, plugin_id, event_type, status, attempts, installation_id, event_id, event_created_at,
     lane, history)
  select gen_random_uuid(), p.at, %(store_id)s, sp.plugin_id, p.type, p.status, 4, sp.id, p.event_id, p.at,
         'pideai_probe', '[{"at": "2026-11-28T01:02:03+00:00", "attempt": 1, "outcome": "failed", "worker": "host:1"},
                           {"outcome": "begun", "message": 7, "worker": "host:1", "at": "2026-11-28T01:02:03+00:00"}]'
  from placed p join public.store_plugins sp on sp.store_id = %(store_id)s
  where p.status <> 'untaken'
  returning id, event_id
)
select coalesce(l.id, p.event_id) from placed p left join logged l on l.event_id = p.event_id order by p.n
"""


class Api(NamedTuple):
    client: AsyncTestClient[Litestar]
    signer: TokenSigner
    owner_id: UUID
    store_id: UUID
    told: list[set[str]]

    async def ask(
        self,
        method: str,
        path: str,
        *,
        user_id: UUID | None = None,
        body: Any = None,
        key: str | None = None,
        **query: Any,
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.signer.token(user_id or self.owner_id)}"}
        if key is not None:
            headers["idempotency-key"] = key
        return await self.client.request(
            method, f"/api/stores/{self.store_id}{path}", headers=headers, json=body, params=query
        )

    async def ids(self, path: str = "/deliveries", **query: Any) -> list[UUID]:
        answer = await self.ask("GET", path, **query)
        assert answer.status_code == 200, answer.text
        return [UUID(one["id"]) for one in answer.json()["items"]]


@pytest.fixture
async def api(pool, shop, installation) -> AsyncIterator[Api]:
    signer = TokenSigner(ISSUER)
    [(owner_id,)] = await (
        await shop.connection.execute("select owner_id from public.stores where id = %s", (shop.store_id,))
    ).fetchall()
    told: list[set[str]] = []
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    async with httpx.AsyncClient(transport=transport) as http:
        keys = JwksCache(http, "http://auth.test/jwks.json")
        host = HostState(
            door=None,
            webhook_secrets=(),
            verifier=Verifier(keys, issuer=ISSUER),
            access=StoreAccess(pool),
            catalogue=Catalogue(pool),
            installations=None,
            lifecycle=None,
            breakers=None,
            credits=None,
            delivery_log=DeliveryLog(pool),
            replays=Replays(pool, on_lanes=told.append),
            replay_ranges=ReplayRanges(pool),
            store_calls=None,
            outbox=None,
            provider_webhooks=None,
            audit=AuditTrail(pool),
            operator=None,
            try_out=None,
            notices=None,
            live=None,
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
            yield Api(client, signer, owner_id, shop.store_id, told)


@pytest.fixture
def seed(shop, installation):
    """Make deliveries in these states, or events that nobody took ('untaken'); a minute apart, the newest first."""

    async def some(*statuses, event_type="order.ready"):
        parameters = {"statuses": list(statuses), "store_id": shop.store_id, "type": event_type}
        return [row[0] for row in await (await shop.connection.execute(SEED, parameters)).fetchall()]

    return some


async def rows(shop, sql):
    return await (await shop.connection.execute(sql)).fetchall()


@pytest.fixture
async def paths(api, seed):
    """Every operation of these endpoints, on things of the store."""
    [delivery, event] = await seed("failed", "untaken")
    replay = (await api.ask("POST", "/replays", body={"since": SINCE})).json()["id"]
    return [
        ("GET", "/deliveries", None),
        ("GET", f"/deliveries/{delivery}", None),
        ("POST", f"/deliveries/{delivery}/replay", None),
        ("GET", "/events?untaken=true", None),
        ("POST", f"/events/{event}/replay", None),
        ("POST", "/replays/preview", {"since": SINCE}),
        ("POST", "/replays", {"since": SINCE}),
        ("GET", "/replays", None),
        ("GET", f"/replays/{replay}", None),
        ("POST", f"/replays/{replay}/cancel", None),
    ]

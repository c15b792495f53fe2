"""A store that tells its customers by WhatsApp: linked to Evolution's stand-in, with texts that can be told apart."""

import asyncio
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import httpx
from pideai_whatsapp.providers.base import WebhookTarget
from pideai_whatsapp.providers.choose import store_url, webhook_secret
from pideai_whatsapp.providers.evolution import EvolutionProvider

from pideai_host.db.dev import create_demo_store
from rig.rig import Rig
from rig.shop import WEBHOOK_SECRET
from rig.waiting import wait_until
from whatsapp_fakes.evolution import FakeEvolution

NAME = "laarepera"
WORDS = {
    "order_confirmation": "recibido",
    "order_preparing": "preparando",
    "order_ready": "listo",
    "order_delivered": "entregado",
}
"""What each notice says, in the order of an order's life."""
STATUSES = ("preparing", "ready", "delivered")
AT_ONCE = 64

_PREFIX = "PIDEAI_PLUGIN_WHATSAPP_"
_CONFIG = {
    "provider": "evolution",
    "confirmationOn": "created",
    "autoOrderConfirmation": True,
    "autoOrderPreparing": True,
    "autoOrderReady": True,
    "autoOrderDelivered": True,
}
_TEXT = """
update public.whatsapp_message_templates set message_body = %(text)s, is_active = true
where store_id = %(store)s and template_type = %(kind)s
"""
_PLACE = """
with placed as (
  insert into public.orders
    (id, store_id, customer_name, customer_email, customer_phone, total_amount, order_type)
  select gen_random_uuid(), %(store)s, 'Ana', 'ana@example.com', '0414' || n, 10.50, 'pickup'
  from generate_series(1000001, 1000000 + %(count)s) n
  returning *
),
filled as (
  insert into public.order_items (order_id, menu_item_id, item_name, quantity, price_at_time)
  select p.id, (select m.id from public.menu_items m where m.store_id = %(store)s limit 1), 'Arepa', 1, 10.50
  from placed p
)
select jsonb_build_object('type', 'INSERT', 'table', 'orders', 'schema', 'public',
                          'record', to_jsonb(placed), 'old_record', null)::text
from placed
"""
_MOVE = """
with old as materialized (select o.* from public.orders o where o.store_id = %(store)s),
moved as (
  update public.orders set status = %(status)s, updated_at = clock_timestamp() where store_id = %(store)s returning *
)
select jsonb_build_object('type', 'UPDATE', 'table', 'orders', 'schema', 'public',
                          'record', to_jsonb(moved), 'old_record', to_jsonb(old))::text
from moved join old using (id)
"""


class LinkedStore:
    """A store beside the rig's own one.

    Args:
        rig: Whose host and database it is on.
        evolution: Carries its messages.
    """

    def __init__(self, rig: Rig, evolution: FakeEvolution) -> None:
        self.id = UUID(int=0)
        self._rig = rig
        self._evolution = evolution
        self._secrets = {
            "evolution_api_url": evolution.url,
            "evolution_api_key": evolution.key,
            "public_url": rig.url,
            "webhook_key": "a-long-random-text",
        }

    @property
    def environ(self) -> dict[str, str]:
        """What the host's processes need to be told."""
        secrets = {f"{_PREFIX}{name.upper()}": value for name, value in self._secrets.items()}
        return {**secrets, "PIDEAI_PLUGINS": "whatsapp,webhook-bridge"}

    async def open(self, *, monthly_credits: int) -> None:
        """Make the store, its texts and its installation."""
        connection = self._rig.shop.connection
        self.id = await create_demo_store(connection, owner_id=uuid4(), subdomain=NAME, name="La Arepera")
        for kind, word in WORDS.items():
            await connection.execute(_TEXT, {"store": self.id, "kind": kind, "text": f"{{customer_name}}: {word}"})
        await self._rig.log.rows(
            "update public.whatsapp_credits set monthly_credits = %s where store_id = %s",
            monthly_credits,
            self.id,
        )
        await self._rig.log.rows(
            "update public.whatsapp_settings set is_connected = false where store_id = %s", self.id
        )
        await self._rig.shop.install("whatsapp", store_id=self.id, config=_CONFIG)

    async def link(self) -> None:
        """Link its phone: the instance reports to the host, which then knows that it may send."""
        async with httpx.AsyncClient(trust_env=False) as http:
            provider = EvolutionProvider(http, url=self._evolution.url, key=self._evolution.key, instance=NAME)
            secret = webhook_secret(self._secrets["webhook_key"], self.id)
            await provider.link(webhook=WebhookTarget(url=store_url(self._rig.url, self.id), secret=secret))
        self._evolution.storm(NAME, 100)
        await self._evolution.poster.settled()
        self._evolution.scan(NAME, "584140000000")
        await wait_until(
            lambda: self._rig.log.rows(
                "select 1 from public.whatsapp_settings where is_connected and store_id = %s", self.id
            )
        )

    async def sell(self, count: int) -> None:
        """Take orders all at once, each of a customer of its own, and move them all through their life at once."""
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        async with aiohttp.ClientSession(connector=connector) as client:
            await self._post(client, await self._bodies(_PLACE, count=count))
            for status in STATUSES:
                await self._post(client, await self._bodies(_MOVE, status=status))

    async def told(self) -> dict[str, list[str]]:
        """Return by customer's number which notices arrived, in their order."""
        found = defaultdict(list)
        for one in self._evolution.sent:
            found[one.number].append(next(kind for kind, word in WORDS.items() if word in one.text))
        return dict(found)

    async def rows(self, statement: str) -> list[Any]:
        """Run a statement with the store's id as its only parameter."""
        return await self._rig.log.rows(statement, self.id)

    async def _bodies(self, statement: str, **values: Any) -> list[bytes]:
        cursor = await self._rig.shop.connection.execute(statement, {"store": self.id, **values})
        return [row[0].encode() for row in await cursor.fetchall()]

    async def _post(self, client: aiohttp.ClientSession, bodies: list[bytes]) -> None:
        headers = {"X-PideAI-Webhook-Secret": WEBHOOK_SECRET, "Content-Type": "application/json"}

        async def post(body: bytes) -> None:
            async with client.post(f"{self._rig.url}/webhooks/supabase", data=body, headers=headers) as answer:
                assert answer.status == 202, await answer.text()

        await asyncio.gather(*map(post, bodies))

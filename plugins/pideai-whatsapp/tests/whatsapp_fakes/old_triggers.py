"""What tests of the cutover are made of: a pg_net that notes calls, the owner's database, people who change orders."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from pideai_host.db.dev import create_demo_store

STATUSES = ("confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled")
KIND_OF = {
    "confirmed": "order_confirmation",
    "preparing": "order_preparing",
    "ready": "order_ready",
    "out_for_delivery": "order_out_for_delivery",
    "delivered": "order_delivered",
    "cancelled": "order_cancelled",
}

PG_NET = """
create schema net;
create table net.calls (
  store_id uuid, order_id uuid, kind text, changed_at timestamptz default now(), id bigint generated always as identity
);
create function net.http_post(url text, headers jsonb, body jsonb) returns bigint language sql as $$
  insert into net.calls (store_id, order_id, kind)
  select (body ->> 'storeId')::uuid, (body ->> 'orderId')::uuid, body ->> 'messageType' returning id
$$;
"""


class OwnersDatabase:
    """`AdminDatabase` on one connection of the owner: each call a transaction of its own."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self.connection = connection

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        async with self.connection.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(sql, params)
            return await cursor.fetchall() if cursor.description else []

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        found = await self.fetch(sql, params)
        return found[0] if found else None

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        async with self.connection.cursor() as cursor:
            await cursor.execute(sql, params)
            return cursor.rowcount

    @asynccontextmanager
    async def transaction(self):
        async with self.connection.transaction():
            yield self


async def make_store(connection: psycopg.AsyncConnection, subdomain: str) -> UUID:
    """A store that sends by today's triggers, all notices switched on."""
    store_id = await create_demo_store(connection, owner_id=uuid4(), subdomain=subdomain, name=subdomain)
    await connection.execute(
        "update public.whatsapp_settings set auto_order_confirmation = true, auto_order_cancelled = true,"
        " auto_order_preparing = true, auto_order_ready = true, auto_order_out_for_delivery = true,"
        " auto_order_delivered = true where store_id = %s",
        [store_id],
    )
    return store_id


async def place(connection: psycopg.AsyncConnection, store_id: UUID) -> UUID:
    """An order, as the storefront writes it."""
    cursor = await connection.execute(
        "insert into public.orders (store_id, customer_name, customer_email, customer_phone, total_amount, order_type)"
        " values (%s, 'Ana', 'ana@example.com', '04141234567', 10, 'pickup') returning id",
        [store_id],
    )
    return (await cursor.fetchone())[0]


async def hammer(url: str, stores: list[UUID], *, seed: int, stop: asyncio.Event, orders: int = 4) -> None:
    """Change orders of stores again and again, some within transactions that began long before they wrote."""
    chance = random.Random(seed)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        mine = [await place(connection, chance.choice(stores)) for _ in range(orders)]
        while not stop.is_set():
            if chance.random() < 0.3:
                async with connection.transaction():
                    await connection.execute("select now()")  # from here on every change carries this instant
                    await asyncio.sleep(chance.random() * 0.03)
                    for order in chance.sample(mine, 2):
                        await move(connection, order, chance)
                    await asyncio.sleep(chance.random() * 0.01)
            else:
                await move(connection, chance.choice(mine), chance)
            await asyncio.sleep(chance.random() * 0.004)


async def move(connection: psycopg.AsyncConnection, order: UUID, chance: random.Random) -> None:
    await connection.execute("update public.orders set status = %s where id = %s", [chance.choice(STATUSES), order])

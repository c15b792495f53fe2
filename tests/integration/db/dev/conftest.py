"""A demo store with what its tests do again and again: orders, status changes, acting as somebody."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql

from pideai_host.db.dev import apply_dev_base, create_demo_store


class Shop:
    """The demo store on a superuser's connection."""

    def __init__(self, conn: psycopg.AsyncConnection, owner_id: UUID, store_id: UUID) -> None:
        self.conn = conn
        self.owner_id = owner_id
        self.store_id = store_id

    async def value(self, statement: str, /, **values: Any) -> Any:
        """First column of the first row, or None."""
        row = await (await self.conn.execute(statement, self._with_ids(values))).fetchone()
        return None if row is None else row[0]

    async def rows(self, statement: str, /, **values: Any) -> list[tuple[Any, ...]]:
        return await (await self.conn.execute(statement, self._with_ids(values))).fetchall()

    async def run(self, statement: str, /, **values: Any) -> int:
        return (await self.conn.execute(statement, self._with_ids(values))).rowcount

    async def order(self, **columns: Any) -> UUID:
        given = {
            "store_id": self.store_id,
            "customer_name": "Ana Pérez",
            "customer_email": "ana@example.com",
            "customer_phone": "04141234567",
            "total_amount": "22.00",
            **columns,
        }
        statement = sql.SQL("insert into public.orders ({}) values ({}) returning id").format(
            sql.SQL(", ").join(map(sql.Identifier, given)), sql.SQL(", ").join(map(sql.Placeholder, given))
        )
        row = await (await self.conn.execute(statement, given)).fetchone()
        assert row is not None
        return row[0]

    async def move(self, order_id: UUID, *statuses: str) -> None:
        for status in statuses:
            await self.run("update public.orders set status = %(status)s where id = %(id)s", status=status, id=order_id)

    async def add_item(self, order_id: UUID, quantity: int = 1) -> UUID:
        """Put the menu's first item into the order; answers the menu item's id."""
        return await self.value(
            "insert into public.order_items (order_id, menu_item_id, item_name, price_at_time, quantity)"
            " select %(order_id)s, id, name, price, %(quantity)s from public.menu_items"
            " where store_id = %(store_id)s order by name limit 1 returning menu_item_id",
            order_id=order_id,
            quantity=quantity,
        )

    @asynccontextmanager
    async def acting_as(self, role: str, sub: UUID | None = None, **claims: Any) -> AsyncIterator[None]:
        """Take a role with claims, as PostgREST does; what is done inside is undone."""
        if sub:
            claims["sub"] = str(sub)
        async with self.conn.transaction(force_rollback=True):
            await self.conn.execute(
                "select set_config('request.jwt.claims', %s, true), set_config('role', %s, true)",
                (json.dumps({"role": role, **claims}), role),
            )
            yield

    def _with_ids(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"store_id": self.store_id, "owner_id": self.owner_id, **values}


@pytest.fixture(scope="session")
def base_database(pg: Any) -> Iterator[Any]:
    """One database with the development base alone, for all these tests."""

    async def apply() -> None:
        async with await psycopg.AsyncConnection.connect(made.admin_url) as connection:
            await apply_dev_base(connection)

    made = pg.create("template0")
    asyncio.run(apply())
    yield made
    pg.drop(made)


@pytest.fixture
async def base_conn(base_database: Any) -> AsyncIterator[psycopg.AsyncConnection]:
    """A superuser's connection; what a test does with it is undone."""
    async with (
        await psycopg.AsyncConnection.connect(base_database.admin_url, autocommit=True) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


@pytest.fixture
async def shop(base_conn: psycopg.AsyncConnection) -> Shop:
    return await make_shop(base_conn)


@pytest.fixture
async def lasting_shop(admin_conn: psycopg.AsyncConnection) -> Shop:
    """In a database of the test's own, for what needs more than one transaction."""
    return await make_shop(admin_conn)


async def make_shop(conn: psycopg.AsyncConnection) -> Shop:
    owner_id = uuid4()
    store_id = await create_demo_store(conn, owner_id=owner_id, subdomain="arepas-ana", name="Arepas Ana")
    return Shop(conn, owner_id, store_id)


@pytest.fixture
async def other_owner(shop: Shop) -> UUID:
    """The owner of another store."""
    owner_id = uuid4()
    await create_demo_store(shop.conn, owner_id=owner_id, subdomain="pizzas-luis", name="Pizzas Luis")
    return owner_id

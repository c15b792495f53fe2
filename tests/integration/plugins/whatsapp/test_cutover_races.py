"""Commands of the cutover that run beside each other: none has the host rest for a store that another one cut over."""

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest
from pideai_whatsapp.cutover.move import drain
from pideai_whatsapp.cutover.rows import CutoverRows
from psycopg.rows import dict_row


class Admin:
    """SQL as the owner, as `AdminDatabase` gives it."""

    def __init__(self, url):
        self.url = url

    async def _run(self, connection, sql, params):
        return await connection.cursor(row_factory=dict_row).execute(sql, params)

    @asynccontextmanager
    async def _open(self):
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            yield connection

    async def fetch(self, sql, params=None):
        async with self._open() as connection:
            return await (await self._run(connection, sql, params)).fetchall()

    async def fetch_one(self, sql, params=None):
        async with self._open() as connection:
            return await (await self._run(connection, sql, params)).fetchone()

    async def execute(self, sql, params=None):
        async with self._open() as connection:
            return (await self._run(connection, sql, params)).rowcount

    @asynccontextmanager
    async def transaction(self):
        async with self._open() as connection:
            held = Admin(self.url)
            held._open = lambda: _same(connection)
            yield held


@asynccontextmanager
async def _same(connection):
    yield connection


class Session:
    """As much of a command's session as drain asks for."""

    def __init__(self, database):
        self.db = Admin(database.admin_url)
        self.disabled = []

    async def installed(self, store_id):
        return store_id

    async def disable(self, store_id):
        self.disabled.append(store_id)


@pytest.fixture
def session(database):
    return Session(database)


@pytest.fixture
async def draining(session, shop):
    """The shop's store, given back a moment ago."""
    await shop.connection.execute(
        "insert into pideai_whatsapp.cutovers (store_id, state, switched_at) values (%s, 'draining', now())",
        [shop.store_id],
    )
    [found] = await CutoverRows(session.db).stores([str(shop.store_id)])
    return found


async def state_of(shop):
    cursor = await shop.connection.execute("select state from pideai_whatsapp.cutovers")
    return await cursor.fetchall()


async def test_a_rollback_lets_go_of_a_store_that_is_cut_over_while_it_waits(session, draining, shop):
    async def meanwhile(_):
        await shop.connection.execute("update pideai_whatsapp.cutovers set state = 'cut_over'")

    left = await drain(session, [draining], looks=3, tell=lambda _: None, sleep=meanwhile)

    assert (left, session.disabled, await state_of(shop)) == ([], [], [("cut_over",)])


async def test_of_two_rollbacks_that_wait_one_has_the_host_rest(session, draining, shop):
    both = [drain(session, [draining], looks=0, tell=lambda _: None) for _ in range(2)]

    await asyncio.gather(*both)

    assert (session.disabled, await state_of(shop)) == ([draining.id], [("rolled_back",)])


async def test_a_rollback_that_waits_for_nothing_has_the_host_rest_at_once(session, draining, shop):
    await drain(session, [draining], looks=0, tell=lambda _: None)

    assert (session.disabled, await state_of(shop)) == ([draining.id], [("rolled_back",)])

"""Ownership is the database's own word, given as the user, and never outlives its five seconds."""

from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import sql

from pideai_host.api import StoreUnknown
from pideai_host.db.dev import create_demo_store
from pideai_host.db.pool import open_pool
from pideai_host.web.access import REMEMBERED_S, StoreAccess
from pideai_host.web.auth import User


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def access(pool, clock):
    return StoreAccess(pool, monotonic=clock)


class Store(NamedTuple):
    store_id: UUID
    owner_id: UUID


@pytest.fixture
async def store(admin_conn):
    owner_id = uuid4()
    store_id = await create_demo_store(admin_conn, owner_id=owner_id, subdomain="la-esquina", name="La Esquina")
    return Store(store_id, owner_id)


def user(user_id: UUID) -> User:
    return User(user_id, msgspec.json.encode({"sub": str(user_id), "role": "authenticated"}).decode())


async def hand_over(admin_conn, store, owner_id):
    await admin_conn.execute("insert into auth.users (id) values (%s) on conflict do nothing", (owner_id,))
    await admin_conn.execute("insert into public.profiles (id) values (%s) on conflict do nothing", (owner_id,))
    await admin_conn.execute("update public.stores set owner_id = %s where id = %s", (owner_id, store.store_id))


async def test_the_owner_may_enter(access, store):
    await access.require_owner(user(store.owner_id), store.store_id)


async def test_another_user_finds_no_store(access, store):
    with pytest.raises(StoreUnknown):
        await access.require_owner(user(uuid4()), store.store_id)


async def test_a_store_that_is_not_there_looks_the_same(access, store):
    with pytest.raises(StoreUnknown):
        await access.require_owner(user(store.owner_id), uuid4())


async def test_the_owner_of_one_store_does_not_own_another(access, store, admin_conn):
    await hand_over(admin_conn, store, uuid4())

    with pytest.raises(StoreUnknown):
        await access.require_owner(user(store.owner_id), store.store_id)


async def test_a_yes_is_remembered_for_five_seconds_and_no_longer(access, store, admin_conn, clock):
    owner = user(store.owner_id)
    await access.require_owner(owner, store.store_id)
    await hand_over(admin_conn, store, uuid4())

    clock.now_s += REMEMBERED_S - 0.1
    await access.require_owner(owner, store.store_id)
    clock.now_s += 0.1
    with pytest.raises(StoreUnknown):
        await access.require_owner(owner, store.store_id)


async def test_a_no_is_not_remembered(access, store, admin_conn):
    new_owner = user(uuid4())
    with pytest.raises(StoreUnknown):
        await access.require_owner(new_owner, store.store_id)
    await hand_over(admin_conn, store, new_owner.id)

    await access.require_owner(new_owner, store.store_id)


async def test_a_yes_is_one_users_and_one_stores(access, store):
    await access.require_owner(user(store.owner_id), store.store_id)

    with pytest.raises(StoreUnknown):
        await access.require_owner(user(uuid4()), store.store_id)
    with pytest.raises(StoreUnknown):
        await access.require_owner(user(store.owner_id), uuid4())


async def test_role_claims_and_time_limit_end_with_the_question(database, store):
    async with open_pool(database.runtime_url, min_size=1, max_size=1) as pool:
        await StoreAccess(pool).require_owner(user(store.owner_id), store.store_id)
        async with pool.connection() as connection:
            cursor = await connection.execute(
                sql.SQL(
                    "select current_user, current_setting('request.jwt.claims', true),"
                    " current_setting('statement_timeout')"
                )
            )
            row = await cursor.fetchone()

    assert (row[0], row[1] or "", row[2]) == ("pideai_host", "", "0")


async def test_a_refused_question_leaves_the_connection_usable(database, store):
    async with open_pool(database.runtime_url, min_size=1, max_size=1) as pool:
        access = StoreAccess(pool)
        with pytest.raises(Exception, match="uuid"):
            await access.require_owner(User(uuid4(), '{"sub": "not a uuid"}'), store.store_id)

        await access.require_owner(user(store.owner_id), store.store_id)

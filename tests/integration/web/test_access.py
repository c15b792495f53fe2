"""Ownership is the database's own word, given as the user, and never outlives its five seconds; staff only looks."""

from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import pytest
from psycopg import sql

from pideai_host.api import StoreUnknown
from pideai_host.db.dev import create_demo_store
from pideai_host.db.pool import open_pool
from pideai_host.web.access import REMEMBERED_MAX, REMEMBERED_S, StoreAccess
from pideai_host.web.auth import OwnerNeeded, User
from pideai_host.web.staff import LOOK_FOR_TABLE_S, AdminNeeded


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


async def answer(question, *asked):
    """Say in a word how a question ends."""
    try:
        await question(*asked)
    except StoreUnknown:
        return "unknown"
    except OwnerNeeded:
        return "not theirs"
    except AdminNeeded:
        return "no admin"
    return "in"


async def test_the_owner_may_enter_and_another_user_finds_no_store(access, store):
    people = (user(store.owner_id), user(uuid4()))

    assert [await answer(access.require_owner, one, store.store_id) for one in people] == ["in", "unknown"]


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
    before = await answer(access.require_owner, new_owner, store.store_id)
    await hand_over(admin_conn, store, new_owner.id)

    assert (before, await answer(access.require_owner, new_owner, store.store_id)) == ("unknown", "in")


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


async def test_no_more_answers_are_remembered_than_there_is_room_for(pool, store, clock, monkeypatch):
    monkeypatch.setattr("pideai_host.web.access.REMEMBERED_MAX", 2)
    access = StoreAccess(pool, monotonic=clock)
    for _ in range(3):
        access._owned.keep((uuid4(), uuid4()), answer=True)

    assert (len(access._owned), REMEMBERED_MAX) == (2, 10_000)


async def hire(admin_conn, role="support", **columns) -> User:
    user_id = uuid4()
    await admin_conn.execute("insert into auth.users (id) values (%s)", (user_id,))
    await admin_conn.execute(
        "insert into public.platform_admins (user_id, role, is_active) values (%s, %s, %s)",
        (user_id, role, columns.get("is_active", True)),
    )
    return user(user_id)


@pytest.mark.parametrize("role", ["super_admin", "support", "billing"])
async def test_a_platform_admin_sees_every_store_and_changes_none(access, store, admin_conn, role):
    admin = await hire(admin_conn, role)

    asked = (access.require_reader, access.require_owner)
    assert [await answer(ask, admin, store.store_id) for ask in asked] == ["in", "not theirs"]


async def test_a_platform_admin_with_a_store_is_its_owner(access, store, admin_conn):
    admin = await hire(admin_conn)
    before = await answer(access.require_owner, admin, store.store_id)
    await hand_over(admin_conn, store, admin.id)

    assert (before, await answer(access.require_owner, admin, store.store_id)) == ("not theirs", "in")


async def test_a_store_that_is_not_there_is_not_there_for_a_platform_admin_either(access, admin_conn):
    admin = await hire(admin_conn)

    for ask in (access.require_reader, access.require_owner):
        with pytest.raises(StoreUnknown):
            await ask(admin, uuid4())


async def test_a_closed_store_is_seen_by_a_platform_admin(access, store, admin_conn):
    await admin_conn.execute("update public.stores set is_active = false where id = %s", (store.store_id,))

    people = (await hire(admin_conn), user(uuid4()))
    assert [await answer(access.require_reader, one, store.store_id) for one in people] == ["in", "unknown"]


async def test_others_read_no_store_either(access, store, admin_conn):
    await hire(admin_conn)

    with pytest.raises(StoreUnknown):
        await access.require_reader(user(uuid4()), store.store_id)


async def test_operators_work_is_a_platform_admins(access, store, admin_conn):
    dismissed = await hire(admin_conn, is_active=False)
    people = (await hire(admin_conn), user(store.owner_id), user(uuid4()), dismissed)

    assert [await answer(access.staff.require_admin, one) for one in people] == ["in", *["no admin"] * 3]


async def test_the_token_makes_nobody_a_platform_admin(access):
    claims = {"role": "authenticated", "app_metadata": {"role": "super_admin"}, "user_role": "super_admin"}
    pretender = uuid4()

    with pytest.raises(AdminNeeded):
        await access.staff.require_admin(
            User(pretender, msgspec.json.encode({"sub": str(pretender), **claims}).decode())
        )


@pytest.mark.parametrize("is_active", [True, False], ids=["dismissed", "hired"])
async def test_whether_somebody_is_an_admin_is_remembered_for_five_seconds(access, admin_conn, clock, is_active):
    admin = await hire(admin_conn, is_active=is_active)
    assert await access.staff.is_admin(admin) is is_active
    await admin_conn.execute("update public.platform_admins set is_active = not is_active")

    clock.now_s += REMEMBERED_S - 0.1
    assert await access.staff.is_admin(admin) is is_active
    clock.now_s += 0.1
    assert await access.staff.is_admin(admin) is not is_active


@pytest.mark.parametrize(
    "change",
    [
        "alter table public.platform_admins rename to former_admins",
        "alter table public.platform_admins rename column is_active to works_here",
        "revoke select on public.platform_admins from authenticated",
    ],
    ids=["no table", "no column", "no grant"],
)
async def test_a_database_without_such_a_table_has_no_admins_and_owners_get_in(access, store, admin_conn, change):
    admin = await hire(admin_conn)
    await admin_conn.execute(sql.SQL(change))

    assert await answer(access.require_reader, admin, store.store_id) == "unknown"
    assert await answer(access.require_owner, user(store.owner_id), store.store_id) == "in"


async def test_a_table_of_admins_that_comes_later_is_found(access, admin_conn, clock):
    admin = await hire(admin_conn)
    await admin_conn.execute("alter table public.platform_admins rename to later")
    assert not await access.staff.is_admin(admin)
    await admin_conn.execute("alter table public.later rename to platform_admins")
    clock.now_s += LOOK_FOR_TABLE_S

    assert await access.staff.is_admin(admin)

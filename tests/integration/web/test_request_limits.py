"""A user's and a store's requests are counted over all processes, most of them without a word to the database."""

import asyncio
from contextlib import suppress
from uuid import uuid4

import psycopg
import pytest

from pideai_host.telemetry import REQUESTS_LIMITED
from pideai_host.web.request_limits import FREE_PART, RateLimited, RequestLimits, add_limits

LIMIT = 120
FREE = LIMIT // FREE_PART


def request():
    return {"type": "http", "state": {}}


async def spend(limits, subject, count, *, kind="user"):
    """Make requests at once; return how many passed."""
    passed = 0

    async def one():
        nonlocal passed
        with suppress(RateLimited):
            await limits.spend(kind, subject, request())
            passed += 1

    await asyncio.gather(*(one() for _ in range(count)))
    return passed


class Pool:
    """Counts how often a connection is lent."""

    def __init__(self, pool=None):
        self.pool = pool
        self.lent = 0

    def connection(self, **options):
        self.lent += 1
        if self.pool is None:
            raise psycopg.OperationalError("away")
        return self.pool.connection(**options)


@pytest.fixture
def limits_of(pool):
    def make(with_pool=pool, **more):
        return RequestLimits(with_pool, **{"per_user": LIMIT, "per_store": LIMIT} | more)

    return make


@pytest.fixture(autouse=True)
async def amid_a_window(admin_conn):
    """A window of the database's clock must not end within the test."""
    await admin_conn.execute(
        "select pg_sleep(greatest(0, 4 - (60 - extract(epoch from clock_timestamp())::numeric % 60)))"
    )


async def test_a_few_requests_write_nothing(limits_of, pool):
    counted = Pool(pool)

    await spend(limits_of(counted), uuid4(), FREE)

    assert counted.lent == 0


async def test_a_whole_limit_costs_a_statement_per_slice(limits_of, pool):
    counted = Pool(pool)

    passed = await spend(limits_of(counted), uuid4(), LIMIT)

    assert passed == LIMIT
    assert counted.lent <= 20


async def test_one_process_lets_exactly_the_limit_pass(limits_of):
    assert await spend(limits_of(), uuid4(), 3 * LIMIT) == LIMIT


async def test_several_processes_let_no_more_pass_than_the_limit_and_their_free_shares(limits_of):
    subject, processes = uuid4(), [limits_of() for _ in range(4)]

    passed = sum(await asyncio.gather(*(spend(one, subject, LIMIT) for one in processes)))

    assert LIMIT - 4 * FREE <= passed <= LIMIT + 4 * FREE


async def test_a_spent_window_is_not_asked_about_again(limits_of, pool):
    counted, subject = Pool(pool), uuid4()
    limits = limits_of(counted)
    await spend(limits, subject, 2 * LIMIT)
    asked = counted.lent

    assert (await spend(limits, subject, 1_000), counted.lent) == (0, asked)


async def test_users_and_stores_are_counted_apart(limits_of):
    limits, subject = limits_of(), uuid4()
    await spend(limits, subject, 2 * LIMIT)

    assert await spend(limits, uuid4(), 10) == 10
    assert await spend(limits, subject, 10, kind="store") == 10


async def test_the_next_window_begins_anew(limits_of, admin_conn):
    now = 0.0
    limits, subject = limits_of(monotonic=lambda: now), uuid4()
    await spend(limits, subject, 2 * LIMIT)

    now += 61
    await admin_conn.execute("update pideai_host.request_windows set number = number - 1")

    assert await spend(limits, subject, LIMIT) == LIMIT


async def test_a_late_statement_does_not_bring_an_old_window_back(limits_of, admin_conn):
    subject = uuid4()
    await spend(limits_of(), subject, LIMIT)
    await admin_conn.execute("update pideai_host.request_windows set number = number + 1")

    assert await spend(limits_of(), subject, LIMIT) == FREE


async def test_without_a_database_each_process_lets_the_limit_pass_and_no_more(limits_of):
    assert await spend(limits_of(Pool()), uuid4(), 3 * LIMIT) == LIMIT


async def test_zero_is_no_limit(limits_of, pool):
    counted = Pool(pool)

    assert await spend(limits_of(counted, per_user=0), uuid4(), 10 * LIMIT) == 10 * LIMIT
    assert counted.lent == 0


async def test_a_request_counts_once_however_often_it_is_asked(limits_of):
    limits, subject, one = limits_of(per_user=1), uuid4(), request()

    await limits.spend("user", subject, one)
    await limits.spend("user", subject, one)

    with pytest.raises(RateLimited):
        await limits.spend("user", subject, request())


async def test_answers_say_what_is_left_and_refusals_when_to_come_back(limits_of):
    limits, subject, first, last = limits_of(per_user=2), uuid4(), request(), request()
    message = {"type": "http.response.start", "headers": []}

    await limits.spend("user", subject, first)
    await limits.spend("store", subject, first)
    await add_limits(message, first)
    await limits.spend("user", subject, request())
    before = REQUESTS_LIMITED.labels(kind="user")._value.get()
    with pytest.raises(RateLimited) as refused:
        await limits.spend("user", subject, last)

    assert dict(message["headers"]) == {
        b"ratelimit-policy": b'"user";q=2;w=60, "store";q=120;w=60',
        b"ratelimit": b'"user";r=1;t=60, "store";r=119;t=60',
    }
    assert 1 <= refused.value.retry_after_s <= 60
    assert REQUESTS_LIMITED.labels(kind="user")._value.get() == before + 1


async def test_what_was_not_counted_has_no_such_headers():
    message = {"type": "http.response.start", "headers": []}

    await add_limits(message, request())

    assert message["headers"] == []

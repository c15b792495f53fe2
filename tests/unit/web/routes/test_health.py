"""Health answers anyone, says what is missing, and never opens the door to a flood of queries."""

from typing import Any, Self

import httpx
import psycopg
import pytest
from msgspec import structs
from psycopg import sql
from psycopg_pool import PoolTimeout

from pideai_host.events.alive import SILENCE_S
from pideai_host.plugins.records import LoadRecord, Phase, Status
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.jwks import JwksCache
from pideai_host.web.readiness import KEYS_OLD_S, REMEMBERED_S, Readiness, refused_here


class Connection:
    def __init__(self, pool: "Pool") -> None:
        self.pool = pool

    async def __aenter__(self) -> Self:
        if self.pool.error is not None:
            raise self.pool.error
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def execute(self, statement: sql.SQL, values: object = None) -> Self:
        self.pool.queries += 1
        if "unserved" in statement.as_string():
            self.rows: list[Any] = [(slug,) for slug in self.pool.unserved]
        else:
            self.rows = self.pool.quarantined if values is None else [(1,)] * self.pool.workers
        return self

    async def fetchall(self) -> list[Any]:
        return self.rows


class Pool:
    def __init__(self, error: Exception | None = None, quarantined: list[tuple[str, str]] | None = None) -> None:
        self.error = error
        self.quarantined = quarantined or []
        self.queries = 0
        self.workers = 1
        self.unserved: list[str] = []

    def connection(self) -> Connection:
        return Connection(self)


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def signer():
    return TokenSigner("http://auth.test/auth/v1")


@pytest.fixture
async def keys(signer):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    async with httpx.AsyncClient(transport=transport) as http:
        keys = JwksCache(http, "http://auth.test/jwks.json")
        await keys.refresh()
        yield keys


@pytest.fixture
async def no_keys():
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(500))) as http:
        yield JwksCache(http, "http://auth.test/jwks.json")


async def test_all_is_well(keys):
    assert await Readiness(Pool(), keys, worker_running=lambda: True).reasons() == {}


async def test_a_process_without_a_worker_is_ready_without_one(keys):
    assert await Readiness(Pool(), keys, worker_running=None).reasons() == {}


@pytest.mark.parametrize(
    "error", [PoolTimeout("none"), psycopg.OperationalError("host=10.0.0.7"), OSError("no"), TimeoutError()], ids=repr
)
async def test_a_database_that_does_not_answer_is_named_without_its_address(keys, error):
    reasons = await Readiness(Pool(error), keys, worker_running=None).reasons()

    assert reasons == {"database": "no answer within 2 s"}


async def test_every_missing_part_is_named(no_keys):
    reasons = await Readiness(Pool(OSError()), no_keys, worker_running=lambda: False).reasons()

    assert sorted(reasons) == ["database", "keys", "worker"]


async def test_the_database_is_asked_once_a_second_however_many_ask(keys):
    pool, clock = Pool(), Clock()
    readiness = Readiness(pool, keys, worker_running=None, monotonic=clock)
    for _ in range(100):
        await readiness.reasons()
    asked_at_once = pool.queries
    clock.now_s += REMEMBERED_S
    await readiness.reasons()

    assert (asked_at_once, pool.queries) == (1, 2)


async def test_what_goes_wrong_with_plugins_is_a_warning_and_no_reason_to_send_nobody_here(keys):
    readiness = Readiness(
        Pool(),
        keys,
        worker_running=None,
        quarantined={"slow": "blocks", "stuck": "9 calls hang"},
        hanging=lambda: {"stuck": 7, "new": 1},
        missing_lanes=lambda: {"pideai_new"},
    )

    assert (await readiness.reasons(), readiness.warnings()) == (
        {},
        {
            "plugin slow": "quarantined: blocks",
            "plugin stuck": "quarantined: 9 calls hang; calls hang past their limit: 7",
            "plugin new": "calls hang past their limit: 1",
            "lane pideai_new": "does not exist",
        },
    )


async def test_a_plugin_that_was_left_out_or_is_partial_is_a_warning(keys):
    record = LoadRecord(
        slug="late",
        distribution="d",
        version="1",
        source="s",
        phase=Phase.MIGRATIONS,
        status=Status.BROKEN,
        error="behind",
    )
    records = [
        record,
        structs.replace(record, slug="half", phase=Phase.JOBS, status=Status.PARTIAL, error="no jobs"),
        structs.replace(record, slug="gone", phase=Phase.IMPORT),
        structs.replace(record, slug="fine", phase=Phase.READY, status=Status.READY, error=None),
    ]
    readiness = Readiness(Pool(), keys, worker_running=None, refused=refused_here(records))

    assert readiness.warnings() == {"plugin late": "behind", "plugin half": "no jobs"}


async def test_keys_that_cannot_be_refreshed_are_a_warning_and_at_last_a_reason(signer):
    clock, answers = Clock(), [httpx.Response(200, json=signer.jwks())]
    transport = httpx.MockTransport(lambda _: answers.pop() if answers else httpx.Response(503))
    async with httpx.AsyncClient(transport=transport) as http:
        keys = JwksCache(http, "http://auth.test/jwks.json", stale_max_s=3_600, monotonic=clock)
        await keys.refresh()
        readiness = Readiness(Pool(), keys, worker_running=None, monotonic=clock)
        fresh = readiness.warnings()
        clock.now_s += KEYS_OLD_S + 1
        old = (await readiness.reasons(), readiness.warnings())
        clock.now_s += 3_600

        assert (fresh, old) == ({}, ({}, {"keys": "not refreshed for 601 s"}))
        assert await readiness.reasons() == {
            "keys": "the signing keys of the Supabase project are too old to be trusted"
        }


async def test_a_plugin_that_no_process_works_for_is_told_by_one_without_a_worker_too(keys):
    readiness = Readiness(Pool(quarantined=[("exits", "ended 3 workers")]), keys, worker_running=None)

    assert (await readiness.reasons(), readiness.warnings()) == ({}, {"plugin exits": "quarantined: ended 3 workers"})


@pytest.mark.parametrize(
    ("workers", "worker_running", "needs_worker", "is_missed"),
    [(0, None, True, True), (1, None, True, False), (0, lambda: True, True, False), (0, None, False, False)],
    ids=["none lives", "one lives", "one runs in here", "no plugin has a lane"],
)
async def test_a_host_that_nobody_works_for_is_ready_and_says_so_after_a_minute(
    keys, workers, worker_running, needs_worker, is_missed
):
    pool, clock = Pool(), Clock()
    pool.workers = workers
    readiness = Readiness(pool, keys, worker_running=worker_running, needs_worker=needs_worker, monotonic=clock)
    at_start = (await readiness.reasons(), readiness.warnings())
    clock.now_s += SILENCE_S
    later = (await readiness.reasons(), list(readiness.warnings()))

    assert (at_start, later) == (({}, {}), ({}, ["worker"] if is_missed else []))


class Answer:
    def __init__(self, reasons: dict[str, str], warnings: dict[str, str] | None = None) -> None:
        self._reasons = reasons
        self._warnings = warnings or {}

    def warnings(self) -> dict[str, str]:
        return self._warnings

    async def reasons(self) -> dict[str, str]:
        return self._reasons


def test_a_living_process_says_so_whatever_else_is_missing(client_of):
    response = client_of().get("/health/live")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_a_ready_process_says_so(client_of):
    response = client_of(readiness=Answer({})).get("/health/ready")

    assert (response.status_code, response.json()) == (200, {"status": "ok", "reasons": {}})


def test_one_that_leaves_a_plugin_to_others_is_ready_and_says_so(client_of):
    response = client_of(readiness=Answer({}, {"plugin slow": "blocks"})).get("/health/ready")

    assert (response.status_code, response.json()) == (
        200,
        {"status": "degraded", "reasons": {"plugin slow": "blocks"}},
    )


def test_one_that_is_not_ready_says_why(client_of):
    response = client_of(readiness=Answer({"keys": "not loaded"})).get("/health/ready")

    assert (response.status_code, response.json()) == (
        503,
        {"status": "unavailable", "reasons": {"keys": "not loaded"}},
    )


@pytest.mark.parametrize("worker_running", [None, lambda: True], ids=["no worker in here", "one in here"])
async def test_a_plugin_whose_lane_nobody_serves_is_told_after_a_minute(keys, worker_running):
    pool, clock = Pool(), Clock()
    pool.unserved = ["courier"]
    readiness = Readiness(pool, keys, worker_running=worker_running, needs_worker=True, monotonic=clock)
    at_start = (await readiness.reasons(), readiness.warnings())
    clock.now_s += SILENCE_S
    later = (await readiness.reasons(), readiness.warnings())

    why = "enabled in a store, and no worker that was seen within 60 s serves its lane"
    assert (at_start, later) == (({}, {}), ({}, {"plugin courier": why}))


async def test_where_no_worker_lives_at_all_it_is_told_once(keys):
    pool, clock = Pool(), Clock()
    pool.unserved, pool.workers = ["courier"], 0
    readiness = Readiness(pool, keys, worker_running=None, needs_worker=True, monotonic=clock)
    clock.now_s += SILENCE_S
    await readiness.reasons()

    assert list(readiness.warnings()) == ["worker"]

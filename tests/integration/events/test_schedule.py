"""Of all processes exactly one runs the jobs, and another takes over when it is gone."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from pideai_host.events import schedule
from pideai_host.events.schedule import Job, Scheduler


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(schedule, "HEARTBEAT_S", 0.02)
    monkeypatch.setattr(schedule, "RECONNECT_S", 0.02)


@pytest.fixture
async def stack():
    async with AsyncExitStack() as opened:
        yield opened


@pytest.fixture
def ran():
    """Who ran the job, in order."""
    return []


@pytest.fixture
def member(database, stack, ran):
    """Start a scheduler with one job that notes its name, as another process would."""

    async def start(name):
        async def run():
            ran.append(name)
            return False

        made = Scheduler(database.runtime_url, [Job(name="note", every_s=0.01, run=run)])
        await made.start()
        stack.push_async_callback(made.stop)
        return made

    return start


async def leaders(members):
    return [one for one in members if one.is_leader]


async def end_leader_session(admin_conn):
    await admin_conn.execute(
        """select pg_terminate_backend(pid) from pg_locks
        where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"""
    )


async def test_exactly_one_of_many_runs_the_jobs(member, ran, until):
    members = [await member(str(n)) for n in range(4)]
    await until(lambda: leaders(members))
    ran.clear()
    await until(lambda: enough(ran, 20))

    assert (len(await leaders(members)), len(set(ran))) == (1, 1)


async def enough(ran, count):
    return len(ran) >= count


async def test_another_takes_over_when_the_leader_stops(member, ran, until):
    first = await member("first")
    await until(lambda: leaders([first]))
    second = await member("second")
    await first.stop()
    await until(lambda: leaders([second]))

    assert (first.is_leader, second.is_leader) == (False, True)


async def test_another_takes_over_when_the_leaders_session_ends(member, admin_conn, until):
    first = await member("first")
    await until(lambda: leaders([first]))
    second = await member("second")
    await end_leader_session(admin_conn)

    async def one_leads_again():
        return len(await leaders([first, second])) == 1 and await held(admin_conn)

    assert await until(one_leads_again)


async def held(admin_conn):
    cursor = await admin_conn.execute(
        "select count(*) from pg_locks where locktype = 'advisory' and granted and database ="
        " (select oid from pg_database where datname = current_database())"
    )
    return (await cursor.fetchone())[0] == 1


async def test_who_lost_the_session_knows_and_looks_for_the_lead_again(member, admin_conn, ran, until):
    only = await member("only")
    await until(lambda: leaders([only]))
    await end_leader_session(admin_conn)
    ran.clear()
    await until(lambda: enough(ran, 3))

    assert only.is_leader


async def test_the_server_ends_the_session_of_a_leader_that_hangs(database, admin_conn, until, monkeypatch):
    monkeypatch.setattr(schedule, "_SESSION", schedule.query("set idle_session_timeout = '50ms'"))
    began, may_end = asyncio.Event(), asyncio.Event()

    async def hang():
        began.set()
        await may_end.wait()
        return False

    async def lost():
        return not await held(admin_conn)

    scheduler = Scheduler(database.runtime_url, [Job(name="hangs", every_s=60.0, run=hang)])
    await scheduler.start()
    await began.wait()
    assert await until(lost)
    may_end.set()
    await scheduler.stop()


async def test_who_lost_the_lead_is_told(database, admin_conn, stack, until):
    told = []

    async def idle():
        return False

    scheduler = Scheduler(
        database.runtime_url, [Job(name="idle", every_s=0.01, run=idle)], on_lost=lambda: told.append("lost")
    )
    await scheduler.start()
    stack.push_async_callback(scheduler.stop)
    await until(lambda: leaders([scheduler]))
    before = list(told)
    await end_leader_session(admin_conn)
    await until(lambda: enough(told, 1))

    assert (before, told) == ([], ["lost"])


async def test_stopping_finishes_the_job_under_way(database, until):
    began, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def run():
        began.set()
        await may_end.wait()
        ended.append(True)
        return False

    scheduler = Scheduler(database.runtime_url, [Job(name="slow", every_s=60.0, run=run)])
    await scheduler.start()
    await began.wait()
    stopping = asyncio.create_task(scheduler.stop())
    may_end.set()
    await stopping

    assert ended == [True]


async def test_a_database_that_does_not_answer_stops_nobody(until):
    scheduler = Scheduler("postgresql://127.0.0.1:1/none", [])
    await scheduler.start()
    await scheduler.stop()

    assert not scheduler.is_leader

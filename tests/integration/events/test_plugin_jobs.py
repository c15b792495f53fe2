"""Plugins' jobs: run where the scheduler leads, each apart, within their time, and written down."""

import asyncio
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest

from pideai_host.api import CreditsExhausted, PaymentPayload, PluginDefinition, PluginJob, PluginType, hookimpl
from pideai_host.db.dev import create_demo_store
from pideai_host.events import plugin_jobs
from pideai_host.events.identity import emitter
from pideai_host.events.job_rows import JobRows
from pideai_host.events.outbox import Outbox
from pideai_host.events.plugin_jobs import HostJob, PluginJobs
from pideai_host.events.reach import ReachParts
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings
from pideai_host.stores.calls import StoreCalls
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.secrets import Sealer
from pideai_host.web.engine import open_engine

PAYMENT = PaymentPayload(payment_id="p1", amount=5, currency="USD")


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(plugin_jobs, "LOOK_S", 0.01)
    monkeypatch.setattr(plugin_jobs, "FIRST_WITHIN_S", 0.0)


@pytest.fixture
async def runner():
    runner = HookRunner(grace_s=0.01)
    yield runner
    await runner.aclose()


@pytest.fixture
async def parts(way, operator, runner):
    http = make_client(allow=(ip_network("127.0.0.0/8"),))
    contexts = ContextFactory(way.pool, http, Sealer([("k1", b"k" * 32)]), operator)
    calls = StoreCalls(way.registry, runner, contexts, Installations(way.pool), quarantined={})
    yield ReachParts(pool=way.pool, http=http, environ=operator, calls=calls, outbox=Outbox(way.pool, way.intake))
    await http.aclose()


@pytest.fixture
async def run(parts, runner, way):
    """Run jobs, as the process that leads or as another one."""
    started = []

    async def start(*jobs, leads=lambda: True, quarantined=(), slug="probe"):
        made = PluginJobs(
            {slug: jobs}, parts, JobRows(way.pool), runner, leads=leads, quarantined=quarantined, random=lambda: 0.0
        )
        started.append(made)
        await made.start()
        return made

    yield start
    for one in started:
        await one.stop()


@pytest.fixture
def seen(way):
    """Wait until a job had a turn that ended; return its row."""

    async def look(name="look", turns=1):
        rows = await JobRows(way.pool).all()
        return next((one for one in rows if one.job == name and one.turns >= turns), None)

    return look


def job(run, **fields):
    return PluginJob(**{"name": "look", "interval_s": 60.0, "run": run, **fields})


async def test_a_job_is_run_by_who_leads_and_by_nobody_else(run, seen, until):
    ran = []

    async def note(job):
        ran.append(job.job)

    async def note_wrongly(job):
        ran.append("not the leader")

    await run(job(note_wrongly), leads=lambda: False)
    await run(job(note))
    row = await until(seen)

    assert (ran, row.outcome, row.error, row.failures) == (["look"], "ok", None, 0)


async def test_a_job_has_its_next_turn_an_interval_after_the_last_one_ended(run, seen, until, monkeypatch):
    async def nothing(job):
        """Do nothing."""

    jobs = await run(job(nothing, interval_s=1.0))
    row = await until(lambda: seen(turns=2))

    assert row.turns == 2
    assert jobs


async def test_a_turn_elsewhere_is_not_begun_again_by_who_takes_the_lead(run, way, until):
    ran = []

    async def first(job):
        ran.append("look")

    async def second(job):
        ran.append("other")

    await JobRows(way.pool).begin("probe", "look", 60.0)
    await run(job(first), job(second, name="other"))
    await until(lambda: asyncio.sleep(0, ran))

    assert ran == ["other"]


async def test_a_job_that_fails_is_told_with_its_error_and_counted(run, seen, until):
    async def fail(job):
        raise ValueError("no rides today")

    await run(job(fail, interval_s=1.0))
    row = await until(lambda: seen(turns=2))

    assert (row.outcome, row.error, row.failures) == ("failed", "ValueError: no rides today", 2)


async def test_a_job_that_takes_too_long_is_ended(run, seen, until):
    async def hang(job):
        await asyncio.Event().wait()

    await run(job(hang, timeout_s=0.02))
    row = await until(seen)

    assert (row.outcome, row.error) == ("timeout", "probe: job look did not end within 0.02 s")


async def test_a_job_that_hangs_delays_no_other(run, seen, until):
    async def hang(job):
        await asyncio.Event().wait()

    async def quick(job):
        """Do nothing."""

    await run(job(hang, name="hang"), job(quick))

    assert (await until(seen)).outcome == "ok"


async def test_a_job_that_cannot_be_ended_does_not_overlap_with_itself(run, seen, until):
    ran, gate = [], asyncio.Event()

    async def stubborn(job):
        ran.append("began")
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue

    jobs = await run(job(stubborn, timeout_s=0.01, interval_s=1.0))
    await until(seen)
    jobs._due_s.clear()
    jobs.begin_due()
    await asyncio.sleep(0)
    gate.set()

    assert ran == ["began"]


async def test_jobs_of_a_quarantined_plugin_rest(run, until):
    ran = []

    async def note(job):
        ran.append(job.plugin)

    await run(job(note), quarantined={"other"})
    await run(job(note), quarantined={"probe"})
    await until(lambda: asyncio.sleep(0, ran))

    assert ran == ["probe"]


async def test_stores_are_those_that_have_the_plugin_enabled(parts, shop, way, monkeypatch):
    monkeypatch.setattr("pideai_host.events.reach.PAGE", 1)
    others = [
        await create_demo_store(shop.connection, owner_id=uuid4(), subdomain=f"otra-{n}", name="Otra") for n in range(3)
    ]
    for n, store_id in enumerate(others):
        await shop.connection.execute(
            """insert into public.store_plugins (store_id, plugin_id, enabled)
            select %s, id, %s from public.plugins where slug = 'probe'""",
            (store_id, n != 2),
        )
    found = [one async for one in HostJob("probe", "look", parts).stores()]

    assert found == sorted([shop.store_id, *others[:2]])


async def test_an_installation_is_opened_with_its_configuration_and_a_context_of_its_store(parts, shop, way):
    async with HostJob("probe", "look", parts).installation(shop.store_id) as found:
        config, context = found

        assert (config, context.store_id, context.plugin, context.delivery) == ({}, shop.store_id, "probe", None)


async def test_what_a_context_emitted_is_written_when_the_block_ends_well(parts, shop, way):
    async with HostJob("probe", "look", parts).installation(shop.store_id) as (_, context):
        event_id = context.emit("payment.completed", PAYMENT, key="p1")
        before = await way.rows("select count(*) from public.plugin_events")

    assert before == [(0,)]
    assert await way.rows("select id, store_id, source from public.plugin_events") == [
        (event_id, shop.store_id, "emit")
    ]


async def test_what_a_block_emitted_before_it_raised_is_dropped(parts, shop, way):
    async def emit_and_raise():
        async with HostJob("probe", "look", parts).installation(shop.store_id) as (_, context):
            context.emit("payment.completed", PAYMENT, key="p1")
            raise CreditsExhausted("none")

    with pytest.raises(CreditsExhausted):
        await emit_and_raise()

    assert await way.rows("select count(*) from public.plugin_events") == [(0,)]


async def test_work_that_is_done_again_emits_nothing_twice(parts, shop, way):
    for _ in range(2):
        async with HostJob("probe", "look", parts).installation(shop.store_id) as (_, context):
            event_id = context.emit("payment.completed", PAYMENT, key="p1")

    assert await way.rows("select id from public.plugin_events") == [(event_id,)]
    assert event_id != emitter(shop.store_id, "probe")


async def test_a_store_that_has_the_plugin_not_enabled_gives_none(parts, shop, way):
    await shop.connection.execute("update public.store_plugins set enabled = false")
    found = []
    for store_id in (shop.store_id, UUID(int=9)):
        async with HostJob("probe", "look", parts).installation(store_id) as opened:
            found.append(opened)

    assert found == [None, None]


async def test_what_the_operator_set_is_read_by_name(parts, operator):
    operator["PIDEAI_PLUGIN_PROBE_TOKEN"] = "t"

    assert (HostJob("probe", "look", parts).operator("token"), HostJob("probe", "look", parts).operator("no")) == (
        "t",
        None,
    )


async def test_a_secret_that_an_installation_opened_is_not_in_the_error(parts, shop, operator, run, seen, until):
    operator["PIDEAI_PLUGIN_PROBE_TOKEN"] = "very-secret"

    async def fail(job):
        async with job.installation(shop.store_id) as (_, context):
            raise ValueError(f"refused with {context.secrets.operator('token')}")

    await run(job(fail))
    row = await until(seen)

    assert row.error == "ValueError: refused with [secret]"


class Sweeper:
    """A plugin with a job, which says what it reads."""

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug="probe", name="Probe", version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )

    @hookimpl
    def jobs(self):
        return [PluginJob(name="look", interval_s=60.0, run=self.look)]

    async def look(self, job):
        async for store_id in job.stores():
            async with job.installation(store_id) as (_, context):
                context.emit("probe.looked", {"at": "all"}, key="1")


@pytest.mark.usefixtures("installation")
async def test_a_host_runs_the_jobs_of_its_plugins(database, pool, shop, until):
    settings = Settings(database_url=database.runtime_url, embedded=False, master_keys=(("k1", b"k" * 32),))

    async def emitted():
        async with pool.connection() as connection:
            return await (await connection.execute("select store_id, type from public.plugin_events")).fetchall()

    async with open_engine(settings, Registry.of({"probe": Sweeper()}), with_worker=True):
        assert await until(emitted) == [(shop.store_id, "probe.looked")]

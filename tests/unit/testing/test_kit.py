"""The fakes keep the host's rules, so that a plugin's test fails where the host would refuse."""

from uuid import UUID, uuid5

import click
import httpx
import pytest
from click.testing import CliRunner

from pideai_host.api import (
    AlreadyInstalled,
    CommandContext,
    CreditsExhausted,
    JobContext,
    NotInstalled,
    PaymentPayload,
    PluginContext,
    PluginEventType,
    PluginFault,
    PluginJob,
    delivered,
    hookimpl,
)
from pideai_host.events.identity import emitter
from pideai_host.testing.kit import FakeCommand, FakeContext, FakeDatabase, FakeJob, faults_of

STORE, OTHER, DELIVERY = UUID(int=1), UUID(int=2), UUID(int=3)
PAYMENT = PaymentPayload(payment_id="p1", amount=5, currency="USD")


def test_the_fakes_are_what_the_contract_says():
    assert isinstance(FakeContext("sample"), PluginContext)
    assert isinstance(FakeJob("sample"), JobContext)
    assert isinstance(FakeCommand("sample"), CommandContext)


def test_an_emitted_event_has_the_id_that_the_host_gives_it():
    on_delivery = FakeContext("sample", store_id=STORE, delivery=DELIVERY)
    elsewhere = FakeContext("sample", store_id=STORE)

    assert on_delivery.emit("payment.completed", PAYMENT, key="p1") == uuid5(DELIVERY, "p1")
    assert elsewhere.emit("payment.completed", PAYMENT, key="p1") == uuid5(emitter(STORE, "sample"), "p1")
    assert [one.type for one in on_delivery.emitted] == ["payment.completed"]


@pytest.mark.parametrize("arguments", [("order.created", {}), ("payment.completed", {}), ("Courier", {})])
def test_what_the_host_would_not_take_is_refused(arguments):
    with pytest.raises(PluginFault):
        FakeContext("sample").emit(*arguments, key="k")


def test_a_delivery_is_settled_outside_of_deliveries_alone():
    webhook, call = FakeContext("sample"), FakeContext("sample", delivery=DELIVERY)
    webhook.deliveries.settle(DELIVERY, delivered())

    assert webhook.settled == {DELIVERY: "delivered"}
    with pytest.raises(PluginFault):
        call.deliveries.settle(DELIVERY, delivered())


def test_a_type_of_its_own_is_held_to_its_schema():
    late = PluginEventType(
        type="sample.late", payload_schema={"type": "object", "required": ["number"]}, sample={"number": 1}
    )
    context = FakeContext("sample", event_types=[late])
    context.emit("sample.late", {"number": 7}, key="1")

    with pytest.raises(PluginFault, match="does not fit its schema"):
        context.emit("sample.late", {}, key="2")


async def test_secrets_storage_and_credits_are_kept_in_memory():
    context = FakeContext("sample", secrets={"/apiKey": "s"}, operator={"token": "t"}, credit=1, stored={"a": 1})
    await context.storage.set("b", (1, 2))
    kinds = [await context.credits.reserve(), await context.credits.reserve()]

    assert (await context.secrets.get("/apiKey"), context.secrets.operator("token")) == ("s", "t")
    assert (context.storage.values, kinds, context.credits.balance) == ({"a": 1, "b": [1, 2]}, ["monthly"] * 2, 0)
    with pytest.raises(CreditsExhausted):
        await FakeContext("sample", credit=0).credits.reserve()


async def test_notices_and_lines_of_the_log_are_kept():
    context = FakeContext("sample")
    await context.notify("hola", level="warning")
    context.log.info("looked", stores=3)

    assert (context.notices, context.log.lines) == ([("warning", "hola")], [("info", "looked", {"stores": 3})])
    with pytest.raises(PluginFault):
        await context.notify("hola", level="loud")


async def test_what_was_not_expected_fails_the_test():
    context = FakeContext("sample")

    with pytest.raises(AssertionError, match="no request was expected: GET https"):
        await context.http.get("https://api.acme.example/")
    with pytest.raises(AssertionError, match="no statement was expected"):
        await context.db.fetch("select 1")


async def test_requests_and_statements_are_answered_as_the_test_says():
    http = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(200, json={"id": "A-7"})))
    db = FakeDatabase(lambda sql, params: [{"n": params["n"]}])
    context = FakeContext("sample", http=http, db=db)

    assert (await context.http.get("https://api.acme.example/")).json() == {"id": "A-7"}
    assert await context.db.fetch_one("select %(n)s as n", {"n": 3}) == {"n": 3}
    assert db.statements == [("select %(n)s as n", {"n": 3})]


async def test_a_jobs_blocks_leave_what_they_emitted_only_if_they_end_well():
    job = FakeJob("sample", [FakeContext("sample", store_id=OTHER), FakeContext("sample", store_id=STORE)])
    seen = [store_id async for store_id in job.stores()]

    async def fail():
        async with job.installation(OTHER) as (_, context):
            context.emit("sample.seen", {}, key="1")
            raise ValueError("after emit")

    async with job.installation(STORE) as (_, context):
        context.emit("sample.seen", {}, key="1")
    with pytest.raises(ValueError, match="after emit"):
        await fail()
    async with job.installation(UUID(int=9)) as nothing:
        assert nothing is None

    assert seen == [STORE, OTHER]
    assert {store_id: len(left) for store_id, left in job.written.items()} == {STORE: 1}


@click.command()
@click.argument("store", type=click.UUID)
@click.pass_obj
def move(context, store):
    async def work(session):
        async with session.db.transaction() as db:
            await db.execute("update public.stores set name = 'x'")
        await session.install(store, config={"city": "Caracas"}, enabled=False)
        return await session.enable(store)

    with context.progress("Moving", total=1) as bar:
        context.say(f"enabled: {context.run(work).enabled}")
        bar.advance()


def test_a_command_is_run_without_a_host():
    command = FakeCommand("sample", db=FakeDatabase(lambda sql, params: []))
    done = CliRunner().invoke(move, [str(STORE)], obj=command)

    assert (done.exception, command.said, command.steps) == (None, ["enabled: True"], 1)
    assert command.session.changes == [("install", STORE), ("enable", STORE)]


async def test_a_session_refuses_as_the_host_does():
    session = FakeCommand("sample", [FakeContext("sample", store_id=STORE)]).session

    with pytest.raises(AlreadyInstalled):
        await session.install(STORE)
    with pytest.raises(NotInstalled):
        await session.disable(OTHER)


@pytest.fixture
def sample(make):
    return lambda **hooks: make(**{name: hookimpl(function) for name, function in hooks.items()})


def test_a_plugin_that_a_host_takes_has_no_faults(sample):
    async def look(job):
        """Look."""

    plugin = sample(
        jobs=lambda self: [PluginJob(name="look", interval_s=60.0, run=look)], cli_commands=lambda self: [move]
    )

    assert faults_of("sample", plugin) == []


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ({"jobs": lambda self: [1]}, "jobs returns a list of PluginJob"),
        ({"cli_commands": lambda self: [print]}, "cli_commands returns a list of click commands"),
        ({"event_sources": lambda self: ["sample.late"]}, "event_sources returns a list of PluginEventType"),
        ({"migrations": lambda self: "no_such_package"}, "migrations names no_such_package"),
        ({"http_routes": lambda self: 3}, "http_routes returns int; return a list"),
        ({"http_routes": lambda self: 1 / 0}, "http_routes raised ZeroDivisionError: division by zero"),
        ({"on_instal": lambda self: None}, "on_instal is marked with @hookimpl but is no hook"),
    ],
)
def test_what_a_host_would_refuse_is_told(sample, hooks, said):
    [fault] = faults_of("sample", sample(**hooks))

    assert said in fault

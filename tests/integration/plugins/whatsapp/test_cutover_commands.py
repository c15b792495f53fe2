"""`pideai-host whatsapp cutover`, `rollback` and `status`, as an operator calls them."""

import asyncio
import json
import os
import random
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import psycopg
import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin

from pideai_host.api import NotReady
from pideai_host.cli.app import run
from pideai_host.events import triggers
from pideai_host.events.capture import CaptureDoor
from pideai_host.events.changes import ChangeReader
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn, UpdateIn
from whatsapp_fakes.old_triggers import KIND_OF, PG_NET, make_store, place

pytestmark = pytest.mark.usefixtures("log_as_before")

CONSOLE = {"provider": "console", "confirmationOn": "confirmed"}
FORWARD = ("confirmed", "preparing", "ready", "out_for_delivery", "delivered")


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def loaded():
    return {"whatsapp": WhatsAppPlugin()}


@pytest.fixture
def configs():
    return {"whatsapp": CONSOLE}


@pytest.fixture
async def store(shop, installation):
    """The shop's store sends by today's triggers; the plugin is installed, and rests."""
    await shop.connection.execute(PG_NET)
    await shop.connection.execute("update public.store_plugins set enabled = false")
    await shop.connection.execute(
        "insert into pideai_whatsapp.stores (store_id, is_adopted) values (%s, true)", [shop.store_id]
    )
    await shop.connection.execute("update public.whatsapp_credits set monthly_credits = 100000")
    return shop.store_id


@pytest.fixture
async def host(shop):
    """A host that learns of orders and works, as far as the database knows."""
    await triggers.enable(shop.connection, "orders")
    await shop.connection.execute(
        """insert into pideai_host.processes (id, host, pid, version, takes_events, makes_deliveries, leads)
           values (gen_random_uuid(), 'h', 1, '0', true, true, true)"""
    )


@pytest.fixture
async def lifecycle(pool, loaded):
    runner, http = HookRunner(), make_client()
    registry = Registry.of(loaded)
    sealer = Sealer([("k1", b"k" * 32)])
    yield Lifecycle(pool, registry, runner, ContextFactory(pool, http, sealer, {}), sealer)
    await runner.aclose()
    await http.aclose()


@pytest.fixture
def environment(database):
    return {
        "DATABASE_URL": database.runtime_url,
        "ADMIN_DATABASE_URL": database.admin_url,
        "PIDEAI_MASTER_KEYS": "k1:" + "a2" * 21 + "a=",
    }


@pytest.fixture
def call(environment, monkeypatch, capsys):
    """Run a command as its own process would, but in a thread of this one: it starts in no time."""

    async def call(*arguments: str, **more: str) -> Said:
        with monkeypatch.context() as patch:
            for name, value in (environment | more).items():
                patch.setenv(name, value)
            capsys.readouterr()
            code = await asyncio.to_thread(run, ["whatsapp", *map(str, arguments)])
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def ask(shop):
    async def rows(sql, *values):
        return await (await shop.connection.execute(sql, values or None)).fetchall()

    return rows


async def test_it_is_a_command_of_the_host(environment, store):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pideai_host", "whatsapp", "status", "--store", "arepas-probe"),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()

    assert (process.returncode, out.decode().splitlines()[-1]) == (0, "arepas-probe: pending")


async def test_what_is_missing_is_said_all_at_once_and_nothing_is_changed(call, store, shop, ask):
    await shop.connection.execute(
        'update public.store_plugins set config = \'{"provider": "evolution", "confirmationOn": "created"}\''
    )
    await shop.connection.execute("update public.whatsapp_settings set is_connected = false")
    await shop.connection.execute("delete from public.whatsapp_message_templates where template_type = 'order_ready'")
    said = await call("cutover", "--store", "arepas-probe")

    assert (said.code, said.out) == (1, "arepas-probe: is not ready\n")
    for word in (
        "no door is open",
        "no worker is alive",
        "no scheduler",
        "not connected",
        "5 of the 6",
        "confirmationOn",
    ):
        assert word in said.err
    assert await ask("select 1 from pideai_whatsapp.cutovers") == []


async def test_check_says_that_a_store_is_ready_and_changes_nothing(call, store, host, ask):
    said = await call("cutover", "--all", "--check")

    assert said == Said(0, "arepas-probe: is ready\n", "")
    assert await ask("select 1 from pideai_whatsapp.cutovers") == []
    assert await ask("select enabled from public.store_plugins") == [(False,)]


async def test_a_store_goes_over_and_back_and_status_follows(call, store, host, ask):
    words = []
    for arguments in (
        ("status",),
        ("cutover", "--store", "arepas-probe"),
        ("status",),
        ("cutover", "--store", str(store)),
        ("rollback", "--store", "arepas-probe", "--now"),
        ("status",),
    ):
        said = await call(*arguments)
        assert said.code == 0, said
        words.append([line.split(" since ")[0] for line in said.out.splitlines()][-1])

    assert words == [
        "arepas-probe: pending",
        "arepas-probe: announced by the host",
        "arepas-probe: cut over",
        "nothing to do: all are cut over",
        "arepas-probe: the host rests",
        "arepas-probe: rolled back",
    ]
    assert await ask("select enabled, state from public.store_plugins") == [(False, "disabled")]
    assert await ask("select is_enabled from public.whatsapp_settings") == [(True,)]


async def test_a_rollback_waits_for_what_was_the_hosts_and_is_finished_by_the_next(call, store, host, ask, shop):
    await call("cutover", "--store", "arepas-probe")
    first = await call("rollback", "--store", "arepas-probe", "--timeout-s", "0")
    between = await ask("select enabled from public.store_plugins")
    await shop.connection.execute(
        """insert into pideai_host.sweep_cursors (name, position)
           values ('orders', now() + interval '1 s'), ('order_status_history', now() + interval '1 s')"""
    )
    second = await call("rollback", "--all")

    assert (first.code, between) == (1, [(True,)])
    assert "a sweep beyond the change of sides" in first.err
    assert (second.code, second.out.splitlines()[-1]) == (0, "arepas-probe: the host rests")
    assert await ask("select state from pideai_whatsapp.cutovers") == [("rolled_back",)]


async def test_all_takes_over_what_is_ready_and_names_the_rest(call, store, host, shop, ask):
    other = await make_store(shop.connection, "sin-plugin")
    said = await call("cutover", "--all")
    seen = await call("status")

    assert said.code == 1
    assert "sin-plugin: the plugin is not installed" in said.err
    assert said.out.startswith("arepas-probe: announced by the host since")
    assert await ask("select is_over, listed from pideai_whatsapp.cutover_scope") == [(True, [other])]
    assert "speaks for 1 store alone" in seen.out


async def test_install_puts_the_plugin_where_it_is_missing_and_a_store_that_is_off_stays_off(
    call, store, host, shop, ask
):
    other = await make_store(shop.connection, "apagada")
    await shop.connection.execute("update public.whatsapp_settings set is_enabled = false where store_id = %s", [other])
    said = await call("cutover", "--store", "apagada", "--install")

    assert said.code == 0, said
    assert await ask("select enabled from public.store_plugins where store_id = %s", other) == [(False,)]
    assert await ask("select state from pideai_whatsapp.cutovers where store_id = %s", other) == [("cut_over",)]


async def test_what_stopped_half_way_is_finished_or_taken_back(call, store, host, shop, ask):
    stopped = "insert into pideai_whatsapp.cutovers (store_id, state) values (%s, 'preparing')"
    await shop.connection.execute(stopped, [store])
    await shop.connection.execute("update public.store_plugins set enabled = true")
    seen = await call("status")
    finished = await call("cutover", "--store", "arepas-probe")
    await call("rollback", "--store", "arepas-probe", "--now")
    await shop.connection.execute("update pideai_whatsapp.cutovers set state = 'preparing'")
    await shop.connection.execute("update public.store_plugins set enabled = true")
    back = await call("rollback", "--store", "arepas-probe")

    assert (seen.code, "stopped half-way" in seen.err) == (1, True)
    assert (finished.code, back.code) == (0, 0), (finished, back)
    assert await ask("select state from pideai_whatsapp.cutovers") == [("rolled_back",)]
    assert await ask("select enabled from public.store_plugins") == [(False,)]


async def test_a_cutover_that_fails_leaves_the_store_with_the_triggers(call, store, host, shop, ask):
    await call("cutover", "--store", "arepas-probe", "--check")
    await shop.connection.execute(
        """drop trigger trigger_notify_order_ready_whatsapp on public.orders;
           create constraint trigger trigger_notify_order_ready_whatsapp after update on public.orders
           for each row execute function public.notify_order_ready_whatsapp()"""
    )
    said = await call("cutover", "--store", "arepas-probe")
    tried = await ask("select enabled, state from public.store_plugins")

    assert (said.code, said.out) == (1, "")
    assert "constraint trigger" in said.err
    assert tried == [(False, "disabled")]
    assert await ask("select state from pideai_whatsapp.cutovers") == [("rolled_back",)]
    assert await ask("select is_enabled from public.whatsapp_settings") == [(True,)]


async def test_triggers_that_a_migration_put_back_are_found_and_taken_in_again(call, store, host, shop, ask):
    await call("cutover", "--store", "arepas-probe")
    [[sql]] = await ask(
        "select string_agg(replace(original, 'CREATE', 'CREATE OR REPLACE'), ';') from pideai_whatsapp.cutover_triggers"
    )
    await shop.connection.execute(sql)
    seen = await call("status")
    again = await call("cutover", "--store", "arepas-probe")
    then = await call("status")

    assert (seen.code, "both sides would announce" in seen.err) == (1, True)
    assert (again.code, again.out) == (0, "the triggers are as they should be again\n")
    assert then.code == 0


async def test_a_store_that_was_born_with_the_host_can_be_given_to_the_triggers(call, store, host, shop, ask):
    await call("cutover", "--all")
    new = await make_store(shop.connection, "recien-nacida")
    await shop.connection.execute(
        "insert into public.store_plugins (store_id, plugin_id, config)"
        " select %s, plugin_id, config from public.store_plugins",
        [new],
    )
    said = await call("rollback", "--store", "recien-nacida", "--now")
    for one in (store, new):
        order = await place(shop.connection, one)
        await shop.connection.execute("update public.orders set status = 'ready' where id = %s", [order])

    assert said.code == 0, said
    assert said.out.splitlines()[-1] == "recien-nacida: the host rests"
    assert await ask("select store_id, kind from net.calls") == [(new, "order_ready")]
    assert await ask("select enabled from public.store_plugins where store_id = %s", new) == [(False,)]
    assert await ask("select is_enabled from public.whatsapp_settings where store_id = %s", new) == [(True,)]


async def test_status_is_given_as_data_too(call, store, host):
    said = await call("status", "--json")
    told = json.loads(said.out)

    assert said.code == 0
    assert (told["pg_net"], len(told["triggers"])) == (True, 6)
    assert [(one["subdomain"], one["state"], one["triggers_speak"]) for one in told["stores"]] == [
        ("arepas-probe", "pending", True)
    ]


async def test_a_database_without_the_triggers_has_nothing_to_cut_over(call, store, shop):
    for status in KIND_OF:
        await shop.connection.execute(f"drop trigger trigger_notify_order_{status}_whatsapp on public.orders")
    said = await call("cutover", "--all")

    assert (said.code, "none of the six" in said.out) == (0, True)


async def test_an_unknown_store_and_a_missing_choice_are_said_plainly(call, store):
    unknown, neither = await call("cutover", "--store", "no-such"), await call("rollback")

    assert (unknown.code, unknown.err.splitlines()[0]) == (1, "error: there is no store 'no-such'")
    assert neither.code == 2


async def test_until_it_is_cut_over_a_store_is_installed_disabled_and_cannot_be_enabled(lifecycle, store, shop):
    await shop.connection.execute("delete from public.store_plugins")
    made = await lifecycle.install(store, "whatsapp", InstallIn(config={"provider": "console"}))
    with pytest.raises(NotReady):
        await lifecycle.update(store, "whatsapp", UpdateIn(enabled=True))

    assert (made.enabled, made.state_reason.startswith("cutover pending")) == (False, True)


async def test_evolution_has_to_answer_for_the_stores_phone(call, store, host, shop, evolution, operator):
    await shop.connection.execute(
        'update public.store_plugins set config = \'{"provider": "evolution", "confirmationOn": "confirmed"}\''
    )
    allowed = operator | {"PIDEAI_HTTP_ALLOW": "127.0.0.0/8"}
    without = await call("cutover", "--store", "arepas-probe", "--check")
    right = await call("cutover", "--store", "arepas-probe", "--check", **allowed)
    wrong = await call(
        "cutover", "--store", "arepas-probe", "--check", **allowed | {"PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_KEY": "no"}
    )
    evolution.states["arepas-probe"] = "close"
    closed = await call("cutover", "--store", "arepas-probe", "--check", **allowed)

    assert [one.code for one in (without, right, wrong, closed)] == [1, 0, 1, 1]
    assert "EVOLUTION_API_URL" in without.err
    assert "not linked: Evolution says close" in closed.err


async def test_a_connected_store_sends_through_its_phone_from_the_first_change_on(
    working, call, store, host, shop, ask, evolution, operator, until
):
    await shop.connection.execute(
        """update public.store_plugins set config = '{"provider": "evolution", "confirmationOn": "confirmed"}'"""
    )
    door = CaptureDoor(working.pool, ChangeReader(working.directory, now=lambda: datetime.now(UTC)), working.intake)
    early, late = [await place(shop.connection, store) for _ in range(2)]
    await shop.connection.execute("update public.orders set status = 'confirmed' where id = %s", [early])
    said = await call("cutover", "--store", "arepas-probe", **operator, PIDEAI_HTTP_ALLOW="127.0.0.0/8")
    await shop.connection.execute("update public.orders set status = 'confirmed' where id = %s", [late])

    async def is_settled():
        await door.take()
        rows = await working.rows("select status from public.plugin_events_log where event_type <> 'order.created'")
        return len(rows) >= 2 and all(status != "pending" for (status,) in rows)

    await until(is_settled)
    orders = await working.rows("select order_id from public.whatsapp_messages")

    assert said.code == 0, said
    assert (orders, len(evolution.sent)) == ([(late,)], 1)
    assert await ask("select order_id, kind from net.calls") == [(early, "order_confirmation")]


async def go_forward(url: str, store_id: UUID, *, seed: int, stop: asyncio.Event) -> None:
    """Take orders through all their statuses, some in transactions that began long before they wrote."""
    chance = random.Random(seed)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while not stop.is_set():
            order = await place(connection, store_id)
            for status in FORWARD:
                async with connection.transaction():
                    await connection.execute("select now()")
                    await asyncio.sleep(chance.random() * 0.1 if chance.random() < 0.4 else 0.0)
                    await connection.execute("update public.orders set status = %s where id = %s", [status, order])
                await asyncio.sleep(chance.random() * 0.1)


async def test_while_orders_change_each_status_is_announced_exactly_once(
    working, call, store, host, database, ask, until
):
    """Over, back and over again, with six people at work: calls and messages are counted together."""
    door = CaptureDoor(working.pool, ChangeReader(working.directory, now=lambda: datetime.now(UTC)), working.intake)
    await door.start()
    stop = asyncio.Event()
    people = [asyncio.create_task(go_forward(database.admin_url, store, seed=one, stop=stop)) for one in range(6)]

    async def count():
        return (await ask("select count(*) from public.order_status_history"))[0][0]

    async def has_grown(before):
        return await count() > before + 60

    try:
        for arguments in (("cutover",), ("rollback", "--timeout-s", "0"), ("cutover",)):
            before = await count()
            await until(lambda before=before: has_grown(before))
            said = await call(*arguments, "--store", "arepas-probe")
            assert said.code == (1 if "rollback" in arguments else 0), said
    finally:
        stop.set()
        await asyncio.gather(*people)

    async def is_quiet():
        [[open_ones]] = await ask(
            """select (select count(*) from pideai_host.captured_changes)
                      + (select count(*) from public.plugin_events_log where status = 'pending')"""
        )
        return not open_ones

    await until(is_quiet)
    await door.stop()

    changes = Counter(
        (order, KIND_OF[status])
        for order, status in await ask(
            "select order_id, to_status from public.order_status_history where from_status is not null"
        )
    )
    by_triggers = Counter(await ask("select order_id, kind from net.calls"))
    by_host = Counter(
        await ask("select order_id, message_type from public.whatsapp_messages where status in ('sent', 'delivered')")
    )

    assert by_triggers + by_host == changes
    assert by_triggers
    assert by_host

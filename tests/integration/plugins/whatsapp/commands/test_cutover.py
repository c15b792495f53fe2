"""`pideai-host whatsapp cutover`, `rollback` and `status`, as an operator calls them."""

import asyncio
import json
import os
import sys

import pytest

from pideai_host.api import NotReady
from pideai_host.stores.wire import InstallIn, UpdateIn
from whatsapp_fakes.old_triggers import KIND_OF, make_store, place


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

    assert (said.code, said.out, said.err) == (0, "arepas-probe: is ready\n", "")
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

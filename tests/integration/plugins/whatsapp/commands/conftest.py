"""A store that sends by today's triggers, a host as the database knows it, and the commands as they are called."""

import asyncio
from typing import NamedTuple

import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin

from pideai_host.cli.app import run
from pideai_host.events import triggers
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Registry
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.secrets import Sealer
from whatsapp_fakes.old_triggers import PG_NET

CONSOLE = {"provider": "console", "confirmationOn": "confirmed"}


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
def call(environment, monkeypatch, capsys, log_as_before):
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

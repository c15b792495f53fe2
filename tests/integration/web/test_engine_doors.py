"""A process with a worker looks after the other two doors by itself."""

import pytest
from msgspec import structs

from pideai_host.events import triggers
from pideai_host.settings import Settings
from pideai_host.web.engine import open_engine


@pytest.fixture
def settings(database):
    return Settings(
        database_url=database.runtime_url,
        embedded=False,
        master_keys=(("k1", b"k" * 32),),
        plugins=frozenset(),
        sweep_interval_s=1,
    )


async def source_of_order(connection):
    return await (await connection.execute("select source from public.plugin_events")).fetchone()


async def swept_once(connection):
    return (await (await connection.execute("select count(*) from pideai_host.sweep_cursors")).fetchone())[0] == 3


@pytest.mark.usefixtures("installation")
async def test_an_order_that_no_webhook_told_of_is_swept_in(shop, settings, until):
    async with open_engine(settings, with_worker=True):
        await shop.insert()

        assert await until(lambda: source_of_order(shop.connection)) == ("sweep",)


@pytest.mark.usefixtures("installation")
async def test_a_captured_order_is_taken_in(shop, settings, until):
    await triggers.enable(shop.connection, "orders")
    async with open_engine(structs.replace(settings, sweep_interval_s=3600), with_worker=True):
        await until(lambda: swept_once(shop.connection))
        await shop.insert()

        assert await until(lambda: source_of_order(shop.connection)) == ("capture",)


@pytest.mark.usefixtures("installation")
async def test_a_process_without_worker_leaves_them_to_others(shop, settings):
    await triggers.enable(shop.connection, "orders")
    async with open_engine(settings, with_worker=False) as engine:
        await shop.insert()

        assert not engine.scheduler.is_leader
        assert await source_of_order(shop.connection) is None

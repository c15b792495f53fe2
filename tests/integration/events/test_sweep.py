"""The third door: what neither webhook nor capture brought is found, once, and nothing from before the installation."""

from datetime import UTC, datetime
from uuid import uuid4

import msgspec
import psycopg
import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events import sweep as module
from pideai_host.events.changes import ChangeReader
from pideai_host.events.sweep import Sweep


def new_sweep(way):
    return Sweep(way.pool, ChangeReader(way.directory, now=lambda: datetime.now(UTC)), way.intake)


@pytest.fixture
def sweep(way):
    return new_sweep(way)


@pytest.fixture
async def installed_long_ago(shop, installation):
    await shop.connection.execute("update public.store_plugins set installed_at = now() - interval '20 days'")
    return installation


async def tell(shop, statement, *values):
    await shop.connection.execute(statement, values)


async def ordered(shop, ago, **columns):
    """Insert an order as of some time ago, with its first status."""
    order_id, _ = await shop.insert(**columns)
    await tell(shop, "update public.orders set created_at = now() - %s::interval where id = %s", ago, order_id)
    return order_id


async def events(way):
    return [row[0] for row in await way.rows("select type from public.plugin_events order by type")]


async def position_age_s(way, name="orders"):
    rows = await way.rows(
        "select extract(epoch from now() - position)::float8 from pideai_host.sweep_cursors where name = %s", name
    )
    return rows[0][0]


async def test_an_order_that_no_door_brought_is_found(way, shop, sweep):
    await shop.insert()

    assert await sweep.run() is False
    assert (await events(way), await way.statuses()) == (["order.created"], ["pending"])


async def test_an_order_that_the_webhook_brought_is_left_alone(way, shop, sweep):
    _, body = await shop.insert()
    await way.door.receive(body)
    await sweep.run()

    assert await way.rows("select source from public.plugin_events") == [("webhook",)]


async def test_the_webhook_finds_its_event_told_when_the_sweep_was_first(way, shop, sweep):
    order_id, inserted = await shop.insert()
    moved = await shop.move(order_id, "ready")
    await sweep.run()
    await way.door.receive(inserted)
    await way.door.receive(moved)

    assert await way.rows("select type, source from public.plugin_events order by 1") == [
        ("order.created", "sweep"),
        ("order.ready", "sweep"),
        ("order.status_changed", "sweep"),
        ("order.updated", "webhook"),
    ]


async def test_a_status_tells_what_was_before_and_what_came_though_the_order_went_on(way, shop, sweep):
    order_id, _ = await shop.insert()
    await shop.move(order_id, "ready")
    await shop.move(order_id, "delivered")
    await sweep.run()

    assert await way.rows(
        """select type, payload ->> 'previousStatus', payload ->> 'status' from public.plugin_events
        where type in ('order.ready', 'order.completed') order by 1 desc"""
    ) == [("order.ready", "pending", "ready"), ("order.completed", "ready", "delivered")]


async def test_sweeping_again_finds_nothing_new(way, shop, sweep):
    order_id, _ = await shop.insert()
    await shop.move(order_id, "ready")
    await sweep.run()
    await sweep.run()
    await new_sweep(way).run()

    assert len(await events(way)) == 3


async def test_another_change_of_an_order_is_not_swept(way, shop, sweep):
    order_id, body = await shop.insert()
    await way.door.receive(body)
    await tell(shop, "update public.orders set notes = 'Mesa: 3' where id = %s", order_id)
    await sweep.run()

    assert await events(way) == ["order.created"]


@pytest.mark.usefixtures("installed_long_ago")
async def test_a_transaction_that_commits_minutes_late_is_found(way, shop, sweep):
    await sweep.run()
    await ordered(shop, "9 minutes")
    await sweep.run()

    assert await events(way) == ["order.created"]


@pytest.mark.usefixtures("installed_long_ago")
async def test_a_status_that_commits_minutes_late_is_found(way, shop, sweep):
    order_id, body = await shop.insert()
    await way.door.receive(body)
    await sweep.run()
    await shop.move(order_id, "ready")
    await tell(
        shop,
        """update public.order_status_history set changed_at = now() - interval '9 minutes'
        where order_id = %s and to_status = 'ready'""",
        order_id,
    )
    await sweep.run()

    assert await events(way) == ["order.created", "order.ready", "order.status_changed"]


@pytest.mark.usefixtures("installed_long_ago")
@pytest.mark.parametrize(("behind", "count"), [("9 minutes 50 seconds", 1), ("10 minutes 10 seconds", 0)])
async def test_it_reads_from_ten_minutes_before_its_last_pass(way, shop, sweep, behind, count):
    await sweep.run()
    await ordered(shop, behind)
    await sweep.run()

    assert len(await events(way)) == count


@pytest.mark.usefixtures("installed_long_ago")
async def test_statuses_of_days_of_downtime_are_found_in_bounded_runs(way, shop, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "PAGES_PER_RUN", 2)
    for day in range(6):
        order_id = await ordered(shop, f"{day} days 2 hours")
        await shop.move(order_id, "ready")
        await tell(
            shop,
            """update public.order_status_history set changed_at = now() - make_interval(days => %s, hours => 1)
            where order_id = %s and to_status = 'ready'""",
            day,
            order_id,
        )
    sweep = new_sweep(way)
    runs = 1
    while await sweep.run():
        runs += 1

    assert await events(way) == ["order.created"] * 6 + ["order.ready"] * 6 + ["order.status_changed"] * 6
    assert runs == 3


async def test_what_was_before_the_first_installation_of_its_store_is_nobodys(way, shop, sweep):
    await ordered(shop, "1 minute")
    order_id = await ordered(shop, "2 minutes")
    await shop.move(order_id, "ready")
    await tell(shop, "update public.order_status_history set changed_at = now() - interval '1 minute'")
    await sweep.run()

    assert await events(way) == []


async def test_another_stores_installation_opens_no_past(way, shop, sweep):
    other = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="otra", name="Otra")
    await tell(
        shop,
        """insert into public.store_plugins (store_id, plugin_id, installed_at)
        select %s, plugin_id, now() - interval '3 days' from public.store_plugins""",
        other,
    )
    await ordered(shop, "1 hour")
    await sweep.run()

    assert await events(way) == []


@pytest.fixture
def two_loaded(loaded, probe):
    """A second plugin beside the probe."""
    later = type(probe)()
    later.definition = msgspec.structs.replace(probe.definition, slug="later")
    loaded["later"] = later


@pytest.mark.usefixtures("two_loaded")
async def test_who_was_installed_after_an_order_is_not_told_of_it(way, shop, sweep):
    await tell(
        shop,
        """update public.store_plugins set installed_at = now() - interval '1 day'
        where plugin_id = (select id from public.plugins where slug = 'probe')""",
    )
    await ordered(shop, "1 hour")
    await sweep.run()

    assert await way.rows("select lane from public.plugin_events_log") == [("pideai_probe",)]


@pytest.mark.usefixtures("installed_long_ago")
async def test_after_days_of_downtime_all_is_found_in_bounded_runs(way, shop, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "PAGES_PER_RUN", 2)
    for day in range(10):
        await ordered(shop, f"{day} days 1 hour")
    sweep = new_sweep(way)
    runs = 1
    while await sweep.run():
        runs += 1

    assert (await events(way), runs) == (["order.created"] * 10, 2)


@pytest.mark.usefixtures("installed_long_ago")
async def test_who_takes_over_goes_on_where_the_other_was(way, shop, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    monkeypatch.setattr(module, "PAGES_PER_RUN", 1)
    for hour in range(5):
        await ordered(shop, f"{hour + 1} hours")
    for _ in range(5):  # each is another leader, that dies after one page
        await new_sweep(way).run()

    assert await events(way) == ["order.created"] * 5


@pytest.mark.usefixtures("installed_long_ago")
async def test_more_orders_of_one_instant_than_a_page_holds_are_all_found(way, shop, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)
    async with shop.connection.transaction():
        for _ in range(7):
            await shop.insert()
    await new_sweep(way).run()

    assert await events(way) == ["order.created"] * 7


@pytest.mark.usefixtures("installed_long_ago")
async def test_it_never_goes_back_further_than_ids_are_remembered(way, shop, sweep):
    await ordered(shop, "13 days 1 hour")
    await ordered(shop, "12 days 23 hours")
    await sweep.run()

    assert await events(way) == ["order.created"]


async def test_an_order_of_the_future_does_not_carry_the_cursor_away(way, shop, sweep):
    await ordered(shop, "-1 day")
    await sweep.run()

    assert (await events(way), await position_age_s(way) > 500) == ([], True)


async def test_the_cursor_never_goes_back(way, sweep):
    await sweep.run()
    await way.rows(
        "update pideai_host.sweep_cursors set position = now() + interval '1 hour' where name = 'orders' returning 1"
    )
    await sweep.run()

    assert await position_age_s(way) < -3000


async def test_history_that_an_owner_wrote_about_another_stores_order_is_not_believed(way, shop, sweep):
    other = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="otra", name="Otra")
    await tell(
        shop,
        "insert into public.store_plugins (store_id, plugin_id) select %s, plugin_id from public.store_plugins",
        other,
    )
    order_id, body = await shop.insert()
    await way.door.receive(body)
    await tell(
        shop,
        """insert into public.order_status_history (order_id, store_id, from_status, to_status)
        values (%s, %s, 'pending', 'ready')""",
        order_id,
        other,
    )
    await sweep.run()

    assert await events(way) == ["order.created"]


async def test_a_row_that_makes_no_sense_holds_up_no_other(way, shop, sweep):
    await shop.insert(total="NaN")
    await shop.insert()
    await sweep.run()

    assert await events(way) == ["order.created"]


async def test_a_status_that_is_none_holds_up_no_other(way, shop, sweep):
    order_id, body = await shop.insert()
    await way.door.receive(body)
    await tell(
        shop,
        """insert into public.order_status_history (order_id, store_id, from_status, to_status)
        values (%s, %s, 'pending', 'lost')""",
        order_id,
        shop.store_id,
    )
    await shop.move(order_id, "ready")
    await sweep.run()

    assert await events(way) == ["order.created", "order.ready", "order.status_changed"]


async def test_the_first_order_of_a_customer_registers_the_customer(way, shop, sweep):
    cursor = await shop.connection.execute(
        "insert into public.customers (name, email) values ('Ana', 'ana@example.com') returning id"
    )
    customer_id = (await cursor.fetchone())[0]
    await shop.insert(customer_id=customer_id)
    await shop.insert(customer_id=customer_id)
    await sweep.run()

    assert await events(way) == ["customer.registered", "order.created", "order.created"]


async def test_a_shop_without_history_is_swept_for_orders_alone(way, shop, sweep):
    await tell(shop, "alter table public.order_status_history rename column changed_at to moved_at")
    await tell(shop, "drop trigger order_initial_status_trigger on public.orders")
    await shop.insert()

    assert await sweep.run() is False
    assert await events(way) == ["order.created"]


async def test_what_could_not_be_kept_is_found_by_the_next_run(way, shop, sweep, monkeypatch):
    async def fail(*_):
        raise psycopg.OperationalError("the connection is lost")

    await shop.insert()
    with monkeypatch.context() as patched:
        patched.setattr(way.intake, "store", fail)
        with pytest.raises(psycopg.OperationalError):
            await sweep.run()
    await sweep.run()

    assert await events(way) == ["order.created"]

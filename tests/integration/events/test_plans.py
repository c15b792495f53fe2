"""Nothing on the way of an event grows with history, or with the square of a batch: each statement is explained while
it runs, beside a long log.
"""

import asyncio
from datetime import UTC, datetime

import pytest
from benchmarks.explain.tour import FUNCTIONS
from benchmarks.explain.watch import Watch
from benchmarks.statements import known

from pideai_host.api import delivered, retry
from pideai_host.events import share
from pideai_host.events.change_log import ChangeLog
from pideai_host.stores import receipts
from pideai_host.stores.receipts import Receipts

HISTORY = 4_000
ORDERS = 40
BACKLOG = 120
RETRIES = 3
HOT = {"intake", "claim", "claim: return query", "items", "look", "complete", "settle", "promote"}


@pytest.fixture
async def history(shop, installation):
    """Deliveries of the shop that are dealt with, and what the planner knows of them."""
    await shop.connection.execute(
        """with kept as (
          insert into public.plugin_events (id, store_id, type, payload, occurred_at, source)
          select gen_random_uuid(), %(store)s, 'order.created', '{}', now(), 'webhook'
          from generate_series(1, %(count)s)
          returning id, created_at
        )
        insert into public.plugin_events_log
          (id, store_id, plugin_id, event_type, installation_id, event_id, event_created_at, lane, status)
        select gen_random_uuid(), sp.store_id, sp.plugin_id, 'order.created', sp.id, kept.id, kept.created_at,
               'pideai_probe', 'delivered'
        from kept, public.store_plugins sp where sp.id = %(installation)s""",
        {"store": shop.store_id, "installation": installation, "count": HISTORY},
    )
    await shop.connection.execute("analyze")


async def all_delivered(way):
    rows = await way.rows("select count(*) from public.plugin_events_log where status = 'delivered'")
    return rows[0][0] == HISTORY + ORDERS


async def test_no_statement_reads_what_is_dealt_with_or_compares_a_batch_with_itself(way, shop, probe, history, until):
    probe.answers = [retry("later")] * RETRIES
    bodies = [await shop.order() for _ in range(ORDERS)]
    watch = Watch(known(), FUNCTIONS)
    worker = way.worker()
    with watch.looking():
        await asyncio.gather(*(way.door.receive(body) for body in bodies))
        await worker.start()
        await until(lambda: all_delivered(way))
        await worker.stop()

    assert watch.plans.keys() >= HOT
    assert {name: plan.text for name, plan in watch.plans.items() if plan.rows >= ORDERS**2 // 2} == {}


async def test_a_look_at_a_share_is_planned_for_a_long_log_while_it_is_short(way, shop, probe, monkeypatch):
    """The plan stays with the connection, and a week's partition begins with nothing in it."""
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    await way.door.receive(await shop.order())
    await shop.connection.execute("analyze public.plugin_events_log")
    watch = Watch(known(), FUNCTIONS)
    with watch.looking():
        for _ in range(3):
            await way.door.receive(await shop.order())

    plan = "\n".join(watch.plans["share: return query"].text)
    assert "Index Scan using plugin_events_log" in plan
    assert not {way_in for way_in in ("Seq Scan on plugin_events_log", "Bitmap Heap Scan") if way_in in plan}


async def test_a_claim_is_not_planned_anew_for_each_number_of_messages(way):
    """Planning took longer than the claim; only the setting shows whether a function's plan is kept."""
    [(settings,)] = await way.rows("select proconfig from pg_proc where proname = 'claim_ready'")

    assert "plan_cache_mode=force_generic_plan" in settings


@pytest.fixture
async def old_history(shop, history):
    """The same, two days old."""
    await shop.connection.execute(
        "update public.plugin_events_log set created_at = created_at - interval '2 days', changed_xid = null"
    )
    await shop.connection.execute("analyze")


async def test_what_providers_report_and_what_streams_ask_reads_no_history(way, shop, probe, old_history):
    rows = await way.rows(
        "update public.plugin_events_log set status = 'sent' where id in"
        " (select id from public.plugin_events_log limit 10) returning id, plugin_id"
    )
    log, reports = ChangeLog(way.pool), Receipts("probe", is_open=True)
    for delivery_id, _ in rows:
        reports.settle(delivery_id, delivered())
    watch = Watch(known(), FUNCTIONS)
    with watch.looking():
        place = await log.now(shop.store_id)
        async with way.pool.connection() as connection:
            changed = await receipts.write(connection, shop.store_id, rows[0][1], reports.all, at=datetime.now(UTC))
        page = await log.after(shop.store_id, place)

    assert (len(changed), {change.row.id for change in page.changes}) == (len(rows), {row[0] for row in rows})
    assert watch.plans.keys() >= {"deliveries_receipts", "log_changes"}
    assert {name: plan.text for name, plan in watch.plans.items() if plan.rows >= HISTORY // 4} == {}


async def pages(way):
    return dict(
        await way.rows("select id, tableoid::regclass || (ctid::text::point)[0]::text from public.plugin_events_log")
    )


async def test_the_outcomes_of_a_backlog_stay_in_their_pages(way, shop, probe, until):
    """So they go into no index. A hundred at a time: nothing of their page is dead by then and makes room."""
    bodies = [await shop.order() for _ in range(BACKLOG)]
    await asyncio.gather(*(way.door.receive(body) for body in bodies))
    before = await pages(way)
    worker = way.worker()
    await worker.start()
    await way.done(BACKLOG)
    await worker.stop()

    assert await pages(way) == before

"""What nobody can need any more is forgotten, in batches that an index finds; what may come back is not."""

from datetime import timedelta
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events import prune as module
from pideai_host.events.prune import Pruning

OLD, YOUNG = timedelta(days=91), timedelta(days=89)


@pytest.fixture
def pruning(pool):
    return Pruning(pool, retention_days=90)


@pytest.fixture
async def keep(admin_conn):
    """Write a row of a table, so old."""
    store_id = await create_demo_store(admin_conn, owner_id=uuid4(), subdomain="arepas-prune", name="Arepas")
    statements = {
        "notices": """insert into pideai_host.notices (at, store_id, plugin, message)
          select now() - %(age)s, %(store)s, 'courier', 'hola' from generate_series(1, %(count)s)""",
        "installation_states": """insert into pideai_host.installation_states (at, store_id, plugin, installation_id)
          select now() - %(age)s, %(store)s, 'courier', gen_random_uuid() from generate_series(1, %(count)s)""",
        "kept_answers": """insert into pideai_host.kept_answers
            (begun_at, user_id, store_id, key, request, holder, held_until)
          select now() - %(age)s, gen_random_uuid(), %(store)s, 'k', '', gen_random_uuid(), now()
          from generate_series(1, %(count)s)""",
        "quarantine": """insert into pideai_host.quarantine (received_at, door, reason, detail, body)
          select now() - %(age)s, 'webhook', 'bad_row', '', '' from generate_series(1, %(count)s)""",
        "credit_holds": """insert into pideai_host.credit_holds
            (updated_at, store_id, plugin, delivery_id, credit_type, state)
          select now() - %(age)s, %(store)s, 'courier', gen_random_uuid(), 'extra', 'charged'
          from generate_series(1, %(count)s)""",
    }

    async def _keep(table, age, count=1):
        await admin_conn.execute(statements[table], {"age": age, "store": store_id, "count": count})

    return _keep


async def count(conn, table):
    return (await (await conn.execute(f"select count(*) from pideai_host.{table}")).fetchone())[0]


TABLES = ["notices", "quarantine", "credit_holds", "installation_states"]


@pytest.mark.parametrize("table", TABLES)
async def test_what_is_older_than_the_retention_goes_and_the_rest_stays(pruning, keep, admin_conn, table):
    await keep(table, OLD, 2)
    await keep(table, YOUNG, 3)

    assert await pruning.run() is False
    assert await count(admin_conn, table) == 3


@pytest.mark.parametrize("table", TABLES)
async def test_much_goes_in_batches(pruning, keep, admin_conn, table, monkeypatch):
    monkeypatch.setattr(module, "BATCH", 2)
    await keep(table, OLD, 5)
    await keep(table, YOUNG)
    left = []
    while await pruning.run():
        left.append(await count(admin_conn, table))

    assert (left, await count(admin_conn, table)) == ([4, 2], 1)


async def test_an_answer_goes_after_a_day(pruning, keep, admin_conn):
    await keep("kept_answers", timedelta(hours=25), 2)
    await keep("kept_answers", timedelta(hours=23))
    await pruning.run()

    assert await count(admin_conn, "kept_answers") == 1


async def add_week(conn, weeks_ago):
    await conn.execute(
        f"""do $$
        declare starts timestamptz;
        begin
          set local timezone = 'UTC';
          starts := date_trunc('week', now()) - make_interval(weeks => {weeks_ago});
          execute format('create table pideai_host.plugin_events_log_old{weeks_ago}
                          partition of public.plugin_events_log for values from (%L) to (%L)',
                         starts, starts + interval '1 week');
        end $$"""
    )


async def test_a_hold_stays_as_long_as_the_week_of_its_delivery_may(pruning, keep, admin_conn):
    await add_week(admin_conn, 20)
    await keep("credit_holds", timedelta(weeks=19))  # perhaps of a delivery of that week, which is still there
    await keep("credit_holds", timedelta(weeks=22))
    await pruning.run()
    while_there = await count(admin_conn, "credit_holds")
    await admin_conn.execute("drop table pideai_host.plugin_events_log_old20")
    await pruning.run()

    assert (while_there, await count(admin_conn, "credit_holds")) == (1, 0)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("quarantine", "quarantine_age"),
        ("notices", "notices_pkey"),
        ("states", "installation_states_pkey"),
        ("answers", "kept_answers_begun"),
        ("holds", "credit_holds_age"),
    ],
)
async def test_an_index_finds_what_is_to_go(admin_conn, name, index):
    statement = module.load("pideai_host.events", f"sql/prune_{name}.sql")
    await admin_conn.execute("set enable_seqscan = off")
    cursor = await admin_conn.execute(f"explain {statement}", {"days": 90, "limit": 10})
    plan = "\n".join(row[0] for row in await cursor.fetchall())

    assert index in plan


async def test_the_ledger_of_credits_and_who_is_known_to_a_store_stay(pruning, admin_conn):
    await admin_conn.execute(
        """insert into pideai_host.credit_ledger (at, store_id, plugin, movement, credit_type, amount, available)
        values (now() - interval '3 years', gen_random_uuid(), 'courier', 'grant', 'extra', 5, 5);
        insert into pideai_host.store_customers
        values (gen_random_uuid(), gen_random_uuid(), now() - interval '3 years')"""
    )
    await pruning.run()

    assert [await count(admin_conn, table) for table in ("credit_ledger", "store_customers")] == [1, 1]

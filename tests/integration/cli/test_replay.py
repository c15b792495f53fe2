"""`pideai-host replay`, as an operator calls it: one line for each fault, and nothing without a yes."""

import asyncio
import io
import json
from uuid import uuid4

import pytest

from pideai_host.cli.app import run
from pideai_host.events.replay_job import ReplayJob

PLACE = """
with kept as (
  insert into public.plugin_events (id, created_at, store_id, type, payload, occurred_at, source, completed_at)
  select gen_random_uuid(), now() - n * interval '1 hour', %(store_id)s, 'order.ready', '{}', now(), 'webhook', now()
  from generate_series(1, cardinality(%(statuses)s::text[])) as n
  returning id, created_at
),
numbered as (select k.*, row_number() over (order by created_at desc) as n from kept k)
insert into public.plugin_events_log
  (id, created_at, store_id, plugin_id, event_type, status, installation_id, event_id, event_created_at, lane)
select gen_random_uuid(), k.created_at, %(store_id)s, sp.plugin_id, 'order.ready', (%(statuses)s::text[])[k.n], sp.id,
       k.id, k.created_at, 'pideai_probe'
from numbered k join public.store_plugins sp on sp.store_id = %(store_id)s
where (%(statuses)s::text[])[k.n] <> 'untaken'
returning id
"""


@pytest.fixture
def call(database, monkeypatch, capsys):
    """Call the command as the runtime role; gives its exit code, what it said, and what it complained of."""
    monkeypatch.setenv("DATABASE_URL", database.runtime_url)
    monkeypatch.delenv("ADMIN_DATABASE_URL", raising=False)

    async def command(*words):
        capsys.readouterr()
        code = await asyncio.to_thread(run, ["replay", *words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


@pytest.fixture
def place(shop, installation):
    async def some(*statuses):
        cursor = await shop.connection.execute(PLACE, {"store_id": shop.store_id, "statuses": list(statuses)})
        return [row[0] for row in await cursor.fetchall()]

    return some


async def statuses(shop):
    rows = await shop.connection.execute("select status from public.plugin_events_log order by created_at desc, id")
    return [row[0] for row in await rows.fetchall()]


async def test_a_range_is_counted(call, place):
    await place("failed", "delivered", "expired")

    assert await call("preview", "--store", "arepas-probe", "--since", "2d") == (0, "2 deliveries.\n", "")
    assert (await call("preview", "--all-stores", "--since", "2d", "--status", "delivered", "--json"))[1] == (
        '{"count":1,"is_exact":true}\n'
    )


@pytest.mark.parametrize("answer", ["n\n", "\n", ""], ids=["no", "nothing", "nobody is there"])
async def test_nothing_begins_without_a_yes(call, shop, place, monkeypatch, answer):
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))
    await place("failed")
    code, _, _ = await call("start", "--store", "arepas-probe", "--since", "2d")

    assert code == 130
    assert await statuses(shop) == ["failed"]


async def test_nothing_begins_when_there_is_nothing_to_do(call, shop, place):
    await place("delivered")

    assert await call("start", "--store", "arepas-probe", "--since", "2d") == (0, "0 deliveries.\n", "")
    assert (await call("status"))[1] == "No replays.\n"


async def test_a_range_is_followed_to_its_end(call, shop, pool, place, until):
    await place("failed", "failed")

    async def work():
        """Run the scheduler's job, and settle what it queues, as a worker does."""
        job = ReplayJob(pool, on_lanes=lambda _: None)

        async def is_over():
            await shop.connection.execute("update pideai_host.replays set paced_at = now() - interval '1 day'")
            await job.run()
            await shop.connection.execute(
                "update public.plugin_events_log set status = 'delivered', msg_id = null where status = 'pending'"
            )
            cursor = await shop.connection.execute("select 1 from pideai_host.replays where status = 'done'")
            return await cursor.fetchone()

        await until(is_over)

    (code, said, _), _ = await asyncio.gather(
        call("start", "--store", "arepas-probe", "--since", "2d", "--yes", "--follow"), work()
    )

    assert code == 0
    assert "2 of 2 dealt with, 2 replayed, 0 on their way" in said
    assert "became: 2 delivered" in said
    assert await statuses(shop) == ["delivered", "delivered"]


async def test_a_replay_is_shown_listed_and_cancelled(call, place):
    await place("failed")
    _, said, _ = await call("start", "--all-stores", "--since", "2d", "--yes", "--per-second", "5")
    replay = said.split("Replay ")[1].split(" ")[0]
    shown = json.loads((await call("status", replay, "--json"))[1])[0]
    cancelled = await call("cancel", replay)
    listed = (await call("status"))[1]

    assert (shown["status"], shown["total"], shown["per_s"]) == ("running", 1, 5.0)
    assert shown["requested_by"].startswith("operator ")
    assert cancelled[1].startswith(f"replay {replay}: cancelled\n")
    assert replay in listed


async def test_one_delivery_goes_again_once_for_each_key(call, shop, place):
    [delivery] = await place("delivered")
    key = str(uuid4())
    first, second = await call("one", str(delivery), "--key", key), await call("one", str(delivery), "--key", key)

    assert first == second
    assert first[1].startswith("A copy, ")
    assert sorted(await statuses(shop)) == ["delivered", "pending"]


async def test_what_an_operator_does_stands_in_the_trail_of_the_store(call, shop, place):
    [delivery] = await place("failed")
    await call("one", str(delivery))
    cursor = await shop.connection.execute(
        "select action, actor, store_id, subject from pideai_host.audit where store_id is not null"
    )

    assert await cursor.fetchall() == [("delivery.replayed", "operator", shop.store_id, str(delivery))]


async def test_an_event_that_nobody_took_is_listed_and_replayed(call, shop, place):
    await place("untaken", "failed")
    listed = json.loads((await call("untaken", "arepas-probe", "--json"))[1])
    [event] = [one["id"] for one in listed["items"]]
    said = (await call("one", event, "--event"))[1]

    assert said.startswith("Deliveries made: ")
    assert (await call("untaken", "arepas-probe"))[1] == "No such events.\n"
    assert sorted(await statuses(shop)) == ["failed", "pending"]


@pytest.mark.parametrize(
    ("words", "fault", "hint"),
    [
        (("preview", "--store", "nope", "--since", "1d"), "there is no store 'nope'", "Name it by its id"),
        (("preview", "--all-stores", "--since", "1d", "--plugin", "nope"), "no plugin 'nope'", ""),
        (("one", str(uuid4())), "no delivery", "It may be older"),
        (("one", str(uuid4()), "--event"), "no event", "It may be older"),
        (("status", str(uuid4())), "no replay", ""),
        (("cancel", str(uuid4())), "no replay", ""),
        (("untaken", "nope"), "there is no store 'nope'", "Name it by its id"),
    ],
    ids=["store", "plugin", "delivery", "event", "replay", "cancel", "untaken"],
)
async def test_a_fault_is_a_line_and_a_hint(call, words, fault, hint):
    code, said, complained = await call(*words)

    assert (code, said) == (1, "")
    assert complained.startswith(f"error: {fault}")
    assert f"hint: {hint}" in complained or not hint
    assert len(complained.splitlines()) <= 2


async def test_missing_tables_are_told(bare_database, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", bare_database.admin_url)
    code = await asyncio.to_thread(run, ["replay", "status"])

    assert (code, "Run `pideai-host migrate` first." in capsys.readouterr().err) == (1, True)

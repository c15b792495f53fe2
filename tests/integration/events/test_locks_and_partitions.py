"""No statement that locks rows chooses partitions while it runs: PostgreSQL 18 may die of it (ADR 0047)."""

import re
from importlib.resources import files

import pytest

from pideai_host.db.sql import query

LOCKS = re.compile(r"\bfor (no key )?(update|share)\b")
NOBODY = "00000000-0000-0000-0000-000000000000"
LEFT_BEHIND = """insert into pideai_host.ordered_deliveries
    (installation_id, entity_id, place, delivery_id, delivery_created_at)
    values (%s, 'o-1', 1, gen_random_uuid(), now())"""
CALLS = {
    "promote_due": "select * from pideai_host.promote_due(10, null)",
    "order_begin": "select pideai_host.order_begin('{}', '{}', '{}', '{}', '{}')",
    "order_leave": f"select pideai_host.order_leave('{{{NOBODY}}}', '{{o-1}}', '{{{NOBODY}}}')",
    "order_enter": "select pideai_host.order_enter('{}', '{}', '{}', '{}')",
}
PLACES = {"which": "true", "lock": "for update", "queue": "pgmq.q_pideai_probe"}
THE_FAULT = """explain (generic_plan)
    with due as materialized (select id, created_at from public.plugin_events_log where lane = $1 for update),
    moved as (
      update public.plugin_events_log d set lane = $1 from due
      where d.id = due.id
        and d.created_at between (select min(created_at) from due) and (select max(created_at) from due)
      returning d.id)
    select * from moved"""


def locking():
    """The statements of ours that lock rows, by their names, as PostgreSQL takes them."""
    for package in ("pideai_host.events", "pideai_host.stores"):
        for entry in files(package).joinpath("sql").iterdir():
            text = entry.read_text(encoding="utf-8")
            if LOCKS.search(re.sub(r"--.*", "", text)):
                numbers: dict[str, str] = {}
                text = text.replace("{{", "{").replace("}}", "}") if "{queue}" in text else text
                for name, instead in PLACES.items():
                    text = text.replace(f"{{{name}}}", instead)
                numbered = re.sub(
                    r"%\((\w+)\)s", lambda one, seen=numbers: seen.setdefault(one[1], f"${len(seen) + 1}"), text
                )
                yield entry.name, numbered.replace("%%", "%")


@pytest.fixture
async def plans(shop, installation):
    """What the server thinks of a statement: each plan that it makes meanwhile, in full."""
    if shop.connection.info.server_version < 180_000:
        pytest.skip("only PostgreSQL 18 shares what a plan knows of partitions")
    told: list[str] = []
    shop.connection.add_notice_handler(lambda notice: told.append(notice.message_detail or ""))
    for join in ("hashjoin", "mergejoin", "seqscan"):  # looking up row by row is what chooses partitions
        await shop.connection.execute(query(f"set enable_{join} = off"))
    await shop.connection.execute("set debug_print_plan = on")
    await shop.connection.execute("set client_min_messages = log")

    async def of(statement: str) -> list[str]:
        told.clear()
        await shop.connection.execute(query(statement))
        return [one for one in told if "{PLANNEDSTMT" in one]

    return of


def is_at_risk(plan: str) -> bool:
    return "{LOCKROWS" in plan and re.search(r":exec_pruning_steps \(", plan) is not None


async def test_the_fault_would_be_seen(plans):
    assert any(map(is_at_risk, await plans(THE_FAULT)))


@pytest.mark.parametrize(("name", "statement"), list(locking()))
async def test_a_statement_that_locks_chooses_no_partition_while_it_runs(plans, name, statement):
    found = await plans(f"explain (generic_plan) {statement}")

    assert found
    assert not any(map(is_at_risk, found)), name


@pytest.mark.parametrize("name", CALLS)
async def test_nor_does_a_function(shop, plans, name):
    await shop.connection.execute(LEFT_BEHIND, [NOBODY])  # who leaves when nobody is behind has nobody to lock
    found = await plans(CALLS[name])

    assert len(found) > 1
    assert not any(map(is_at_risk, found))

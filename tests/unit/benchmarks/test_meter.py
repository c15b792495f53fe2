"""How costs are reckoned."""

from benchmarks.meter import Spent, spent_figures


def test_what_was_spent_between_two_moments_is_shared_by_all_that_was_done():
    before, after = Spent(1_000.0, 500.0, 100.0), Spent(5_000.0, 2_500.0, 1_100.0)
    each = after.since(before).each(10)
    assert (each, each.cpu_us) == (Spent(400.0, 200.0, 100.0), 600.0)


def test_a_cost_is_reported_for_the_processes_for_the_database_and_for_both():
    figures = spent_figures("intake", "event", [Spent(20.0, 10.0, 500.0)], [Spent(10.0, 5.0, 400.0)])
    assert [(one.name, one.value, one.unit, one.ratio) for one in figures] == [
        ("intake.cpu", 30.0, "us/event", 2.0),
        ("intake.cpu.processes", 20.0, "us/event", 2.0),
        ("intake.cpu.postgres", 10.0, "us/event", 2.0),
        ("intake.wal", 500.0, "bytes/event", 1.25),
    ]

"""How plans are read, and shortened for the page."""

from benchmarks.explain.plans import pages, rows, shortened


def node(kind, touched, *children, rows=1.0, loops=1, **more):
    counts = {"Shared Hit Blocks": touched, "Shared Read Blocks": 0, "Actual Rows": rows, "Actual Loops": loops}
    return {"Node Type": kind, **counts, "Plans": list(children), **more}


def test_a_page_counts_for_the_node_that_touched_it():
    plan = node("Nested Loop", 10, node("Index Scan", 4), node("Index Scan", 6))
    assert pages([{"Plan": plan}]) == 10


def test_a_cte_counts_once_however_many_read_it_and_also_when_nobody_does():
    read = node("Insert", 7, **{"Subplan Name": "CTE fresh"})
    unread = node("Insert", 5, **{"Subplan Name": "CTE kept"})
    plan = node("Nested Loop", 9, read, unread, node("CTE Scan", 7), node("CTE Scan", 0), node("Index Scan", 2))
    assert pages([{"Plan": plan}]) == 7 + 5 + 2


def test_rows_are_those_of_the_node_that_had_most_to_do_with():
    plan = node("Aggregate", 0, node("Index Scan", 0, rows=3.0, loops=100), rows=1.0)
    assert rows([{"Plan": plan}]) == 300


def test_partitions_that_are_all_alike_are_told_of_once():
    text = [
        "Append (actual rows=1.00 loops=5)",
        "  ->  Index Scan using plugin_events_2026w47_pkey on plugin_events_2026w47 e_1 (never executed)",
        "        Index Cond: (id = d.event_id)",
        "  ->  Index Scan using plugin_events_2026w48_pkey on plugin_events_2026w48 e_2 (never executed)",
        "        Index Cond: (id = d.event_id)",
        "  ->  Index Scan using plugin_events_2026w49_pkey on plugin_events_2026w49 e_3 (actual rows=1.00 loops=5)",
        "        Index Cond: (id = d.event_id)",
        "Planning:",
        "  Buffers: shared hit=3",
    ]
    assert shortened(text) == [*text[:3], "  … and 1 more of the kind", *text[5:]]

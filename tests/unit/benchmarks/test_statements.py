"""How statements are counted from the server's log."""

import pytest
from benchmarks import cost
from benchmarks.statements import Statement, count, known

CLAIM = "-- One round trip for all lanes; the function says why it is one (migration 20261123000700)."


def entry(step, text, *, database="host", who="pideai-host", ms="1.5"):
    return f"{database}\t{who}\tLOG:  duration: {ms} ms  {step}: {text}\n"


def test_a_statement_is_one_call_however_many_steps_it_takes():
    lines = [entry("parse _pg3_0", CLAIM), entry("bind _pg3_0", CLAIM), entry("execute _pg3_0", CLAIM)]
    assert count(lines, "host", {CLAIM: "claim"}) == {"claim": Statement(calls=1, ms=4.5)}


def test_other_databases_and_our_own_questions_do_not_count():
    lines = [entry("statement", "BEGIN", database="bare"), entry("statement", "select 1", who="benchmarks")]
    assert count(lines, "host", {}) == {}


def test_the_further_lines_of_a_statement_are_no_statements():
    assert count([entry("execute <unnamed>", "select"), "  1\n", "LOG:  duration\n"], "host", {}) == {
        "select": Statement(calls=1, ms=1.5)
    }


@pytest.mark.parametrize("name", ["claim", "intake", "settle", "promote", "bare_claim", "bare_intake", "bare_settle"])
def test_the_hot_statements_are_known_by_name(name):
    assert name in known().values()


def test_figures_name_what_takes_time_and_set_the_bare_statement_beside_it():
    ours = {"claim": Statement(0.01, 0.2), "a look": Statement(0.01, 0.0001), "once": Statement(0.0001, 9.0)}
    figures = cost.figures("cost.x", "event", ours, {"bare_claim": Statement(0.02, 0.1)})

    assert [(one.name, one.value, one.baseline) for one in figures] == [
        ("cost.x.statements", 0.02, 0.02),
        ("cost.x.postgres", pytest.approx(200.1), 100.0),
        ("cost.x.claim.statements", 0.01, 0.02),
        ("cost.x.claim.postgres", 200.0, 100.0),
    ]

"""How pages are renewed, and how a figure is held against what is wanted."""

from pathlib import Path

import pytest
from benchmarks import page, targets
from benchmarks.__main__ import ALONE, WITH_DATABASE
from benchmarks.explain.page import WHY, parts
from benchmarks.explain.plans import Plan
from benchmarks.figures import Figure
from benchmarks.fill.sizes import Sizes
from benchmarks.statements import known
from benchmarks.targets import Target

DOCS = Path(__file__).parents[3] / "docs"
TEXT = "# Mine\n\n<!-- generated: a -->\nold\n<!-- end of a -->\n\nMine too.\n"


def test_only_what_is_generated_is_renewed():
    assert page.replaced(TEXT, {"a": "new\n"}) == (
        "# Mine\n\n<!-- generated: a -->\n\nnew\n\n<!-- end of a -->\n\nMine too.\n"
    )


def test_a_page_that_was_renewed_can_be_renewed_again():
    once = page.replaced(TEXT, {"a": "new"})
    assert page.replaced(once, {"a": "new"}) == once


def test_a_part_that_the_page_lacks_is_named():
    with pytest.raises(ValueError, match="no part b"):
        page.replaced(TEXT, {"b": "new"})


def test_the_page_of_the_benchmarks_has_every_part(tmp_path):
    copy = tmp_path / "page.md"
    copy.write_text((DOCS / "benchmarks.md").read_text())
    page.write(copy, [Figure("intake.rate", 9.0, "requests/s", 10.0, 0.9)], "about")
    assert "| intake.rate | 9 | 10 | requests/s | 0.90 |" in copy.read_text()


def test_the_page_of_the_plans_has_every_part():
    made = parts({}, {"claim": Plan(["Scan"], 1, 2)}, Sizes())
    assert "### claim" in page.replaced((DOCS / "explain.md").read_text(), made)


def test_only_statements_that_there_are_have_a_reason():
    assert {name.split(":")[0] for name in WHY} <= set(known().values())


@pytest.mark.parametrize(
    ("target", "figure", "verdict"),
    [
        (Target(what="", figure="x", least=0.8), Figure("x", 1.0, "", 1.0, 0.8), ("0.8", "met")),
        (Target(what="", figure="x", least=0.8), Figure("x", 1.0, "", 1.0, 0.6), ("0.6", "**missed** by 25%")),
        (Target(what="", figure="x", most=2.0, of="value"), Figure("x", 3.0, "s"), ("3 s", "**missed** by 50%")),
        (Target(what="", figure="x"), Figure("x", 1.0, "", 1.0, 0.6), ("0.6", "")),
        (Target(what="", figure="x", least=0.8), None, ("", "not measured")),
    ],
    ids=["met", "below", "above", "reported", "absent"],
)
def test_a_figure_is_held_against_what_is_wanted(target, figure, verdict):
    assert target.verdict(figure) == verdict


def test_every_target_is_of_a_benchmark_that_there_is():
    benchmarks = {*WITH_DATABASE, *ALONE, "memory"}
    assert {one.figure.split(".")[0] for one in targets.TARGETS} <= benchmarks

"""docs/alerts.yml asks for metrics and labels that there are, and docs/operations.md explains each rule."""

import re
from pathlib import Path

import yaml

from pideai_host.telemetry.metrics import REGISTRY
from pideai_host.telemetry.page import _labels

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "docs/alerts.yml").read_text())["groups"][0]["rules"]
_USED = re.compile(r"\b(pideai_[a-z_]+)(?:\{([^}]*)\})?")
_BY = re.compile(r"by \(([a-z, ]+)\) \([a-z]*\(?(pideai_[a-z_]+)")


def labels_of(name):
    return set(_labels(REGISTRY, name.removesuffix("_total")))


def test_each_rule_asks_for_what_there_is():
    faults = [
        (rule["alert"], name, label)
        for rule in RULES
        for name, labels in _USED.findall(rule["expr"])
        for label in re.findall(r"(\w+)[=!]~?", labels)
        if label not in labels_of(name)
    ] + [
        (rule["alert"], name, label)
        for rule in RULES
        for by, name in _BY.findall(rule["expr"])
        for label in by.split(", ")
        if label not in labels_of(name)
    ]

    assert faults == []


def test_each_rule_is_explained(page):
    written = page("docs/operations.md").text

    assert [rule["alert"] for rule in RULES if f"`{rule['alert']}`" not in written] == []


def test_the_pages_for_operators_name_metrics_that_there_are(page):
    named = set(re.findall(r"`(pideai_[a-z_]+)`", page("docs/operations.md").text))

    assert {
        name for name in named if name.removesuffix("_total") not in {one.name for one in REGISTRY.collect()}
    } == set()


def test_the_lines_of_the_log_that_are_explained_are_written(page):
    rows = page("docs/operations.md").text.split("| line of the log |")[1].split("\n\n")[0].splitlines()[2:]
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1])}
    source = "\n".join(one.read_text() for one in (ROOT / "src").rglob("*.py"))

    assert len(named) > 10
    assert {name for name in named if f'"{name}"' not in source} == set()

"""What a live stream shows of a delivery is never changed without a mark that the stream finds it by (ADR 0035)."""

import re
from pathlib import Path

import pideai_host

_CHANGING = re.compile(r"update public\.plugin_events_log\b.*?\n\s*where ", re.DOTALL)
_INSERTING = re.compile(r"insert into public\.plugin_events_log\b\s*\((.*?)\)", re.DOTALL)
STATEMENTS = {path.name: path.read_text(encoding="utf-8") for path in Path(pideai_host.__path__[0]).glob("*/sql/*.sql")}


def test_whoever_writes_a_status_says_so():
    unmarked = [
        name
        for name, text in STATEMENTS.items()
        for change in _CHANGING.findall(text)
        if re.search(r"\bstatus = ", change) and not ("changed_xid = " in change and "late_xid = " in change)
    ]

    assert unmarked == []


def test_whoever_makes_a_delivery_that_is_old_already_says_so():
    unmarked = [
        name
        for name, text in STATEMENTS.items()
        for columns in _INSERTING.findall(text)
        if re.search(r"\bcreated_at\b", columns.replace("event_created_at", "")) and "late_xid" not in columns
    ]

    assert unmarked == []


def test_there_are_such_statements():
    assert any(_CHANGING.search(text) for text in STATEMENTS.values())
    assert any(_INSERTING.search(text) for text in STATEMENTS.values())

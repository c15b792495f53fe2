"""SQL text comes out of packages."""

import pytest

from pideai_host.db.sql import load, query


def test_file_of_a_package_is_read() -> None:
    assert "create" in load("pideai_host.db", "migrations/20261123000100_schema_and_role.sql")


def test_missing_file_is_a_fault() -> None:
    with pytest.raises(FileNotFoundError):
        load("pideai_host.db", "no.sql")


def test_query_keeps_the_text() -> None:
    assert query("select %(a)s, '{}'").as_string(None) == "select %(a)s, '{}'"

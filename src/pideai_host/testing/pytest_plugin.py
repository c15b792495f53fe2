"""Fixtures for plugin authors; pytest finds them where the host is installed.

    pideai_server    session   the PostgreSQL of the run; started by the first test that asks for a database
    pideai_database  function  `pideai_host.testing.database.PluginDatabase`: fresh, with the host's tables and a shop's

Nothing of the host is imported before a test asks for it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pideai_host.testing.database import PluginDatabase, PluginServer


@pytest.fixture(scope="session")
def pideai_server() -> "Iterator[PluginServer]":
    """Run the server of the session."""
    from pideai_host.testing.database import plugin_server  # noqa: PLC0415 - only for those who ask

    with plugin_server() as running:
        yield running


@pytest.fixture
def pideai_database(pideai_server: "PluginServer") -> "Iterator[PluginDatabase]":
    """Make a database for one test."""
    with pideai_server.database() as made:
        yield made

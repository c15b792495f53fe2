"""A host that is deployed before `migrate` ran says so at its start, not when it first misses something."""

import pytest

from pideai_host.api import ConfigurationError
from pideai_host.web.tables import require_tables


async def test_a_migrated_database_has_all_that_is_required(pool):
    await require_tables(pool)


async def test_what_the_newest_migration_made_is_required(pool, admin_conn):
    await admin_conn.execute("drop function pideai_host.wait_in_main_lane")

    with pytest.raises(ConfigurationError, match=r"lacks pideai_host\.wait_in_main_lane"):
        await require_tables(pool)

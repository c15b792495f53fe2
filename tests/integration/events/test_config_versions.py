"""A delivery whose configuration is of another version than its plugin wants waits, uses no attempt, and says why."""

import pytest


@pytest.mark.parametrize("version", [0, 2])
async def test_it_is_parked_until_the_versions_are_the_same(working, shop, probe, until, version):
    await working.rows(
        "update public.store_plugins set config_version = %s, revision = revision + 1 returning 1", version
    )
    await working.door.receive(await shop.order())

    async def parked():
        rows = await working.rows("select park_reason, attempts, error_message from public.plugin_events_log")
        return rows if rows and rows[0][0] == "config" else None

    [(_, attempts, said)] = await until(parked)
    assert (attempts, probe.calls) == (0, [])
    assert said == f"the configuration is of version {version}, the plugin wants 1"

    await working.rows("update public.store_plugins set config_version = 1, revision = revision + 1 returning 1")
    await working.rows("update public.plugin_events_log set next_attempt_at = now() where msg_id is null returning 1")
    assert [row[0] for row in await working.done()] == ["delivered"]

"""Installations are read whole, in one query, with their sealed values."""

from uuid import uuid4

import msgspec
import pytest
from psycopg.errors import CheckViolation

from pideai_host.api import AlreadyInstalled, ConfigurationError, StoreUnknown
from pideai_host.stores import installations
from pideai_host.stores.draft import draft_new
from pideai_host.stores.installations import Installations
from pideai_host.stores.policy import GrowingDelays, PolicyOverride, RetryOverride
from pideai_host.stores.wire import InstallIn


@pytest.fixture
async def draft(registry, sealer, lifecycle, store_id, runtime_conn):
    """Draft an installation of the courier."""
    target = await installations.target(runtime_conn, store_id, "courier")

    def _draft(store=store_id):
        wanted = InstallIn(config={"key": "value"})
        return draft_new(sealer, registry.definitions["courier"], store, target.plugin_id, wanted).installation

    return _draft


async def test_what_is_written_is_what_is_read(pool, runtime_conn, draft, store_id):
    kept = await installations.insert(runtime_conn, draft())
    kept = msgspec.structs.replace(kept, wanted_version=1)  # the catalogue's word

    reader = Installations(pool)
    assert await reader.load([kept.id, uuid4()]) == {kept.id: kept}
    assert await reader.find(store_id, "courier") == kept
    assert await reader.list_for_store(store_id) == [kept]


async def test_a_policy_is_kept_and_taken_back(pool, runtime_conn, draft, store_id):
    wanted = PolicyOverride(max_age_s=None, retry=RetryOverride(delays_s=GrowingDelays(calls=3)))
    reader = Installations(pool)

    kept = await installations.insert(runtime_conn, msgspec.structs.replace(draft(), policy=wanted))
    found = await reader.find(store_id, "courier")
    await installations.update(runtime_conn, msgspec.structs.replace(kept, policy=None))

    assert (found.policy, (await reader.find(store_id, "courier")).policy) == (wanted, None)


async def test_a_policy_that_cannot_be_read_hides_no_installation(admin_conn, pool, runtime_conn, draft, store_id):
    await installations.insert(runtime_conn, draft())
    await admin_conn.execute("""update public.store_plugins set policy = '{"speed": "fast"}'""")

    assert (await Installations(pool).find(store_id, "courier")).policy is None


async def test_nothing_is_asked_for_and_nothing_is_found(pool, store_id):
    reader = Installations(pool)

    assert await reader.load([]) == {}
    assert await reader.find(store_id, "courier") is None
    assert await reader.list_for_store(uuid4()) == []


async def test_a_second_row_is_refused_and_leaves_no_secret(runtime_conn, draft):
    await installations.insert(runtime_conn, draft())

    with pytest.raises(AlreadyInstalled):
        await installations.insert(runtime_conn, draft())
    counted = await runtime_conn.execute("select count(*) from pideai_host.installation_secrets")
    assert await counted.fetchone() == (1,)


async def test_an_unknown_store_is_named(runtime_conn, draft):
    with pytest.raises(StoreUnknown):
        await installations.insert(runtime_conn, draft(uuid4()))


async def test_a_change_of_a_row_that_is_not_seen_is_an_error(runtime_conn, draft):
    with pytest.raises(ConfigurationError):
        await installations.update(runtime_conn, draft())


async def test_deleting_takes_the_sealed_values_along(runtime_conn, draft):
    kept = await installations.insert(runtime_conn, draft())

    await installations.delete(runtime_conn, kept)

    counted = await runtime_conn.execute("select count(*) from pideai_host.installation_secrets")
    assert await counted.fetchone() == (0,)


async def test_the_owner_reads_no_sealed_value(admin_conn, runtime_conn, draft):
    await installations.insert(runtime_conn, draft())

    for column in ("webhook_secret", "revision"):
        allowed = await admin_conn.execute(
            "select has_column_privilege('authenticated', 'public.store_plugins', %s, 'select')", [column]
        )
        assert await allowed.fetchone() == (False,)
    allowed = await admin_conn.execute(
        "select has_table_privilege('authenticated', 'pideai_host.installation_secrets', 'select')"
    )
    assert await allowed.fetchone() == (False,)


@pytest.mark.parametrize("policy", ['{"ordered": "maybe"}', '{"ordered": 1}', "[]", '"ordered"'])
async def test_a_policy_that_statements_could_not_read_is_refused_by_the_table(admin_conn, runtime_conn, draft, policy):
    await installations.insert(runtime_conn, draft())

    with pytest.raises(CheckViolation):
        await admin_conn.execute("update public.store_plugins set policy = %s::jsonb", [policy])

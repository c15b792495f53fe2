"""Storage keeps small JSON by key, each store and plugin apart."""

import asyncio
from uuid import uuid4

import pytest

from pideai_host.api import PluginFault, StoreUnknown
from pideai_host.stores.storage import KEY_MAX_CHARS, VALUE_MAX_BYTES, PluginStorage


@pytest.fixture
def storage(pool, store_id) -> PluginStorage:
    return PluginStorage(pool, store_id, "courier")


@pytest.mark.parametrize("value", [None, False, 0, 2**53, "ñ", [1, {"a": []}], {}, "x" * (VALUE_MAX_BYTES - 2)])
async def test_a_value_comes_back_as_it_was(storage, value):
    await storage.set("key", value)

    assert await storage.get("key") == value


async def test_setting_replaces_and_deleting_forgets(storage):
    await storage.set("key", 1)
    await storage.set("key", 2)

    assert await storage.get("key") == 2
    await storage.delete("key")
    await storage.delete("key")
    assert await storage.get("key") is None


async def test_of_many_who_set_a_new_key_one_succeeds(storage):
    won = await asyncio.gather(*(storage.set_new("key", n) for n in range(8)))

    assert sorted(won) == [False] * 7 + [True]
    assert await storage.get("key") == won.index(True)


async def test_stores_and_plugins_do_not_see_each_other(pool, storage, store_id, other_store_id):
    await storage.set("key", "mine")

    assert await PluginStorage(pool, other_store_id, "courier").get("key") is None
    assert await PluginStorage(pool, store_id, "another").get("key") is None


@pytest.mark.parametrize("value", ["x" * VALUE_MAX_BYTES, object(), "a\x00b", {1: 2, "a\x00": 3}, "\ud800"])
async def test_a_value_that_cannot_be_kept_is_the_plugins_fault_and_changes_nothing(storage, value):
    await storage.set("key", "before")

    with pytest.raises(PluginFault):
        await storage.set("key", value)
    assert await storage.get("key") == "before"


async def test_the_largest_value_of_many_small_parts_is_kept(storage):
    value = [{}] * 20_000

    await storage.set("key", value)

    assert await storage.get("key") == value


@pytest.mark.parametrize("key", ["", "x" * (KEY_MAX_CHARS + 1), "a\x00b", "\ud800"])
async def test_a_key_out_of_bounds_is_the_plugins_fault(storage, key):
    for call in (storage.get(key), storage.set(key, 1), storage.set_new(key, 1), storage.delete(key)):
        with pytest.raises(PluginFault):
            await call


async def test_an_unknown_store_is_named(pool):
    with pytest.raises(StoreUnknown):
        await PluginStorage(pool, uuid4(), "courier").set("key", 1)

"""Every secret is sealed anew with the newest key, whatever else happens; afterwards the old key can go."""

import asyncio

import pytest

from pideai_host.stores import rotation as rotations
from pideai_host.stores.installations import Installations
from pideai_host.stores.opened import open_value
from pideai_host.stores.rotation import Rotation
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.wire import InstallIn, UpdateIn

OLD, NEW = ("k1", b"k" * 32), ("k2", b"n" * 32)
RING = Sealer([NEW, OLD])


@pytest.fixture
async def installed(lifecycle, store_id, other_store_id):
    """Two stores' installations: each with a field and a signing secret, under the old key."""
    return [
        await lifecycle.install(store, "courier", InstallIn(config={"key": f"canary-{store}"}))
        for store in (store_id, other_store_id)
    ]


async def run(rotation: Rotation) -> list:
    return [step async for step in rotation.run()]


async def stored(pool, made) -> dict:
    return (await Installations(pool).load([made.id]))[made.id]


async def test_afterwards_all_open_with_the_newest_key_alone(pool, installed):
    await run(Rotation(pool, RING))

    for made in installed:
        kept = await stored(pool, made)
        assert open_value(Sealer([NEW]), kept, "/key") == f"canary-{made.store_id}"
        assert open_value(Sealer([NEW]), kept, "webhook_secret") == made.webhook_secret
        assert (kept.revision, kept.updated_at) == (made.revision, made.updated_at)


async def test_the_keys_are_counted_before_and_after(pool, installed):
    rotation = Rotation(pool, RING)
    before = await rotation.keys()
    await run(rotation)

    assert [(one.kid, one.secrets, one.is_newest) for one in before] == [("k2", 0, True), ("k1", 4, False)]
    assert [(one.kid, one.secrets) for one in await rotation.keys()] == [("k2", 4), ("k1", 0)]


async def test_a_key_that_the_ring_lacks_is_told(pool, installed):
    [_, lacking] = await Rotation(pool, Sealer([NEW])).keys()

    assert (lacking.kid, lacking.secrets, lacking.is_held) == ("k1", 4, False)


async def test_repeated_it_does_nothing_more(pool, installed):
    await run(Rotation(pool, RING))
    before = [await stored(pool, made) for made in installed]

    assert await run(Rotation(pool, RING)) == []
    assert [await stored(pool, made) for made in installed] == before


async def test_stopped_in_the_middle_it_goes_on_where_it_was(pool, installed):
    rotation = Rotation(pool, RING, batch=1)
    async for _ in rotation.run():
        break
    assert await rotation.waiting() == 3

    assert sum(step.resealed for step in await run(Rotation(pool, RING, batch=1))) == 3


async def test_two_at_once_do_it_once(pool, installed):
    done = await asyncio.gather(*(run(Rotation(pool, RING, batch=1)) for _ in range(2)))

    assert sum(step.resealed for steps in done for step in steps) == 4
    assert await Rotation(pool, RING).waiting() == 0


async def test_what_an_owner_writes_between_reading_and_writing_stays(pool, installed, lifecycle, monkeypatch):
    """The owner's change is sealed under the old key, by a process that does not know the newest: the next round's."""
    rotation = Rotation(pool, RING)
    reseal, changed = rotation._reseal, []

    async def after_the_owner(found, statement):
        if not changed:
            changed.append(await lifecycle.update(installed[0].store_id, "courier", UpdateIn(config={"key": "newer"})))
        return await reseal(found, statement)

    monkeypatch.setattr(rotation, "_reseal", after_the_owner)
    await run(rotation)

    assert open_value(Sealer([NEW]), await stored(pool, installed[0]), "/key") == "newer"


async def test_a_row_that_somebody_is_writing_is_not_waited_for(pool, installed, monkeypatch):
    monkeypatch.setattr(rotations, "ROUNDS_MAX", 1)
    async with pool.connection() as writing, writing.transaction():
        await writing.execute(
            "update pideai_host.installation_secrets set updated_at = now() where installation_id = %s",
            (installed[0].id,),
        )
        await run(Rotation(pool, RING))

        assert await Rotation(pool, RING).waiting() == 1
    await run(Rotation(pool, RING))
    assert await Rotation(pool, RING).waiting() == 0


async def test_what_does_not_open_is_named_without_its_value_and_left(pool, installed, admin_conn):
    await admin_conn.execute(
        """update pideai_host.installation_secrets t set sealed = s.sealed
        from pideai_host.installation_secrets s where t.installation_id = %s and s.installation_id = %s""",
        (installed[0].id, installed[1].id),
    )
    before = await stored(pool, installed[0])
    steps = await run(Rotation(pool, RING))

    [one] = [one for step in steps for one in step.unreadable]
    assert (one.store_id, one.plugin, one.field) == (installed[0].store_id, "courier", "/key")
    assert "canary" not in str(steps)
    assert (await stored(pool, installed[0])).sealed["/key"] == before.sealed["/key"]
    assert await Rotation(pool, RING).waiting() == 1


async def test_a_value_keeps_its_place_when_it_is_sealed_anew(pool, installed, admin_conn):
    """Copied to another store it still does not open."""
    await run(Rotation(pool, RING))
    await admin_conn.execute(
        """update pideai_host.installation_secrets t set sealed = s.sealed
        from pideai_host.installation_secrets s where t.installation_id = %s and s.installation_id = %s""",
        (installed[0].id, installed[1].id),
    )

    with pytest.raises(rotations.SecretUnreadable):
        open_value(RING, await stored(pool, installed[0]), "/key")

"""A store beyond its share of a plugin's main lane waits in the bulk lane, on a real database."""

from dataclasses import replace
from uuid import uuid4

import pytest

from pideai_host.db.dev import create_demo_store
from pideai_host.events import intake, share


async def bring(way, shop, count):
    """Bring so many orders, one after the other, as a storefront does that has gone mad."""
    for _ in range(count):
        _, body = await shop.insert()
        await way.door.receive(body)


async def lanes(way):
    return dict(await way.rows("select lane, count(*) from public.plugin_events_log group by lane"))


async def test_what_is_over_the_share_goes_to_the_bulk_lane(way, shop, monkeypatch):
    monkeypatch.setattr(share, "SHARE", 6)
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    await bring(way, shop, 12)

    assert await lanes(way) == {"pideai_probe": 8, "pideai_probe__bulk": 4}


async def test_a_store_stays_out_of_the_main_lane_however_much_it_brings_meanwhile(way, shop, monkeypatch):
    """Its latest deliveries are all in the bulk lane then; what counts are those from before it was over its share."""
    monkeypatch.setattr(share, "SHARE", 6)
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    monkeypatch.setattr(share, "LOOK_AGAIN_S", 0.0)
    monkeypatch.setattr(intake, "LATEST", 12)
    await bring(way, shop, 40)

    assert await lanes(way) == {"pideai_probe": 8, "pideai_probe__bulk": 32}


async def test_the_bulk_lane_is_worked_off_as_well(working, shop, monkeypatch):
    monkeypatch.setattr(share, "SHARE", 0)
    monkeypatch.setattr(share, "LOOK_EVERY", 1)
    await bring(working, shop, 3)
    await working.done(3)

    assert await lanes(working) == {"pideai_probe__bulk": 3}


async def test_who_has_settled_enough_is_back_in_the_main_lane(way, shop, monkeypatch):
    monkeypatch.setattr(share, "SHARE", 6)
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    monkeypatch.setattr(share, "LOOK_AGAIN_S", 0.0)
    await bring(way, shop, 12)
    await way.rows("update public.plugin_events_log set status = 'delivered' returning id")
    await bring(way, shop, 1)

    assert (await lanes(way))["pideai_probe"] == 9


async def test_what_waits_in_the_bulk_lane_does_not_keep_a_store_out_of_the_main_lane(way, shop, monkeypatch):
    monkeypatch.setattr(share, "SHARE", 6)
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    monkeypatch.setattr(share, "LOOK_AGAIN_S", 0.0)
    await bring(way, shop, 12)
    await way.rows("update public.plugin_events_log set status = 'delivered' where lane = 'pideai_probe' returning id")
    await bring(way, shop, 1)

    assert (await lanes(way))["pideai_probe"] == 9


@pytest.fixture
async def other_shop(shop, installation):
    """Another store with the same plugin."""
    store_id = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="otra-probe", name="Otra")
    await shop.connection.execute(
        """insert into public.store_plugins (store_id, plugin_id)
        select %s, plugin_id from public.store_plugins where id = %s""",
        (store_id, installation),
    )
    return replace(shop, store_id=store_id)


async def test_other_stores_keep_their_lane(way, shop, other_shop, monkeypatch):
    monkeypatch.setattr(share, "SHARE", 6)
    monkeypatch.setattr(share, "LOOK_EVERY", 3)
    await bring(way, shop, 12)
    await bring(way, other_shop, 1)
    rows = await way.rows("select lane from public.plugin_events_log where store_id = %s", other_shop.store_id)

    assert rows == [("pideai_probe",)]

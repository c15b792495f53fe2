"""A cart that was left behind becomes one event, if anybody may be told of it."""

import json

import msgspec
import pytest

from pideai_host.events.carts import cart_sweep


@pytest.fixture
def probe(probe):
    probe.definition = msgspec.structs.replace(probe.definition, subscribed_events=("cart.abandoned",))
    return probe


@pytest.fixture
async def carts(way, shop):
    """The search for carts, with the plugin installed a day ago."""
    await shop.connection.execute("update public.store_plugins set installed_at = now() - interval '1 day'")
    return cart_sweep(way.pool, way.directory, way.intake)


async def leave(shop, minutes=31, **columns):
    """Leave a cart behind some minutes ago."""
    row = {
        "store_id": shop.store_id,
        "cart_data": json.dumps([{"name": "Arepa", "quantity": 2, "price": 4.5}]),
        "cart_total": "9.00",
        "customer_name": "Ana",
    } | columns
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    cursor = await shop.connection.execute(
        f"""insert into public.abandoned_carts (created_at, {names})
        values (now() - %(minutes)s * interval '1 minute', {values}) returning id""",
        row | {"minutes": minutes},
    )
    return (await cursor.fetchone())[0]


async def set_delay(shop, minutes):
    await shop.connection.execute(
        """insert into public.whatsapp_settings (store_id, abandoned_cart_delay_minutes) values (%s, %s)
        on conflict (store_id) do update set abandoned_cart_delay_minutes = excluded.abandoned_cart_delay_minutes""",
        [shop.store_id, minutes],
    )


async def told(way):
    return await way.rows("select entity_id::uuid from public.plugin_events where type = 'cart.abandoned'")


async def test_a_cart_left_for_half_an_hour_is_one_event_with_a_delivery(way, shop, carts):
    cart_id = await leave(shop)
    await carts.run()
    await carts.run()

    assert (await told(way), await way.statuses()) == ([(cart_id,)], ["pending"])


async def test_its_payload_has_the_items_as_the_storefront_wrote_them(way, shop, carts):
    await leave(shop)
    await carts.run()

    assert await way.rows(
        """select payload -> 'items', payload ->> 'total', payload ->> 'customerName', payload ->> 'currency',
        payload ->> 'recoveryToken' is not null from public.plugin_events"""
    ) == [([{"name": "Arepa", "quantity": 2, "price": 4.5}], "9.00", "Ana", "USD", True)]


@pytest.mark.parametrize(
    ("minutes", "columns"),
    [
        (29, {}),
        (31, {"recovered": True}),
        (31, {"reminder_sent": True}),
        (31, {"expires_at": "2020-01-01"}),
        (60 * 25, {}),
    ],
    ids=["not left yet", "recovered", "reminded", "expired", "older than the installation"],
)
async def test_nobody_is_told_of_a_cart_that_is(way, shop, carts, minutes, columns):
    await leave(shop, minutes, **columns)
    await carts.run()

    assert await told(way) == []


@pytest.mark.parametrize("columns", [{"recovered": None}, {"reminder_sent": None}, {"expires_at": None}])
async def test_a_flag_that_is_null_is_not_set(way, shop, carts, columns):
    await leave(shop, **columns)
    await carts.run()

    assert len(await told(way)) == 1


@pytest.mark.parametrize(
    ("delay", "minutes", "count"), [(60, 59, 0), (60, 61, 1), (5, 6, 1), (None, 31, 1), (-5, 1, 1)]
)
async def test_a_store_has_its_own_delay_in_whatsapp_settings(way, shop, carts, delay, minutes, count):
    await set_delay(shop, delay)
    await leave(shop, minutes)
    await carts.run()

    assert len(await told(way)) == count


@pytest.fixture
def two_told_of_carts(loaded, probe):
    """A second plugin that is told of carts."""
    second = type(probe)()
    second.definition = msgspec.structs.replace(probe.definition, slug="second")
    loaded["second"] = second


async def configure(shop, slug, value):
    await shop.connection.execute("delete from public.whatsapp_settings")
    await shop.connection.execute(
        """update public.store_plugins set config = jsonb_build_object('abandonedCartDelayMinutes', %s::jsonb)
        where plugin_id = (select id from public.plugins where slug = %s)""",
        [value, slug],
    )


@pytest.mark.parametrize(
    ("value", "minutes", "count"),
    [
        ("90", 89, 0),
        ("90", 91, 1),
        ("2.5", 2, 0),
        ("-1e400", 1, 1),
        ('"90"', 31, 1),
        ("null", 31, 1),
        ("1e400", 60 * 23, 0),
    ],
)
async def test_where_the_settings_say_nothing_the_plugins_configuration_does(way, shop, carts, value, minutes, count):
    await configure(shop, "probe", value)
    await leave(shop, minutes)
    await carts.run()

    assert len(await told(way)) == count


async def test_what_the_settings_say_goes_before_a_plugins_configuration(way, shop, carts):
    await configure(shop, "probe", "90")
    await set_delay(shop, 5)
    await leave(shop, 6)
    await carts.run()

    assert len(await told(way)) == 1


@pytest.mark.usefixtures("two_told_of_carts")
async def test_of_several_plugins_the_most_impatient_decides_since_a_cart_is_one_event(way, shop, carts):
    await configure(shop, "probe", "90")
    await configure(shop, "second", "10")
    cart_id = await leave(shop, 11)
    await carts.run()
    await carts.run()

    assert (await told(way), await way.statuses()) == ([(cart_id,)], ["pending", "pending"])


@pytest.mark.usefixtures("two_told_of_carts")
@pytest.mark.parametrize(
    "change",
    [
        "update public.store_plugins set enabled = false",
        "update public.plugins set required_events = '{order.ready}' where slug = 'second' returning slug",
        "update public.plugins set is_active = false where slug = 'second' returning slug",
    ],
    ids=["is switched off", "is not told of carts", "is not there any more"],
)
async def test_the_configuration_of_a_plugin_does_not_count_that(way, shop, carts, change):
    await configure(shop, "second", "10")
    await shop.connection.execute(
        change
        if "slug" in change
        else f"{change} where plugin_id = (select id from public.plugins where slug = 'second')"
    )
    await leave(shop, 11)
    await carts.run()

    assert await told(way) == []


async def test_it_happened_when_the_delay_was_over(way, shop, carts):
    await set_delay(shop, 120)
    await leave(shop, 121)
    await carts.run()

    assert await way.rows("select extract(epoch from now() - occurred_at)::integer / 60 from public.plugin_events") == [
        (1,)
    ]


async def test_a_cart_that_makes_no_sense_holds_up_no_other(way, shop, carts):
    await leave(shop, cart_total="NaN")
    cart_id = await leave(shop)
    await carts.run()

    assert await told(way) == [(cart_id,)]


async def test_a_cart_beyond_all_measure_is_told_without_its_items(way, shop, carts):
    await leave(shop, cart_data=json.dumps(["x" * 100_000]))
    await carts.run()

    assert await way.rows("select payload -> 'items' from public.plugin_events") == [([],)]

"""The catalogue follows what is loaded, and leaves alone what is the operator's."""

import msgspec
import pytest

from pideai_host.api import PluginDefinition, PluginFault, PluginType
from pideai_host.stores.catalogue import Catalogue, SyncReport, sync_catalogue

DEFINITION = PluginDefinition(
    slug="pago-movil",
    name="Pago Móvil",
    version="1.2.3",
    type=PluginType.PAYMENT,
    subscribed_events=("order.created", "order.cancelled"),
    config_schema={"type": "object", "properties": {"bank": {"type": "string"}}},
    config_version=4,
    description="Cobra",
    icon_url="https://example.com/i.png",
    pricing_model="per_use",
    module="payments",
    ordered=True,
)


def changed(**fields) -> PluginDefinition:
    return msgspec.structs.replace(DEFINITION, **fields)


async def test_a_loaded_plugin_is_on_offer_with_all_that_it_declares(admin_conn, pool):
    report = await sync_catalogue(admin_conn, [DEFINITION])

    [entry] = await Catalogue(pool).list_active()
    assert report == SyncReport(
        added=("pago-movil",),
        updated=(),
        unchanged=(),
        lanes=("pideai_pago_movil", "pideai_pago_movil__bulk"),
        partitions=0,
    )
    shown = msgspec.to_builtins(entry)
    del shown["id"]
    assert shown == {
        "slug": "pago-movil",
        "name": "Pago Móvil",
        "description": "Cobra",
        "type": "payment",
        "version": "1.2.3",
        "icon_url": "https://example.com/i.png",
        "is_internal": True,
        "is_active": True,
        "config_schema": DEFINITION.config_schema,
        "required_events": ["order.created", "order.cancelled"],
        "pricing_model": "per_use",
        "config_version": 4,
        "module": "payments",
        "ordered": True,
    }


async def test_syncing_again_changes_nothing(admin_conn, runtime_conn):
    await sync_catalogue(admin_conn, [DEFINITION])
    rows = "select id, updated_at, xmin from public.plugins"
    before = await (await runtime_conn.execute(rows)).fetchall()

    report = await sync_catalogue(admin_conn, [DEFINITION])

    assert report.unchanged == ("pago-movil",)
    assert await (await runtime_conn.execute(rows)).fetchall() == before


async def test_a_new_version_is_written_and_keeps_its_row(admin_conn, pool):
    await sync_catalogue(admin_conn, [DEFINITION])
    before = await Catalogue(pool).find("pago-movil")

    report = await sync_catalogue(admin_conn, [changed(version="2.0", icon_url=None, subscribed_events=())])

    after = await Catalogue(pool).find("pago-movil")
    assert report.updated == ("pago-movil",)
    assert (after.id, after.version, after.icon_url, after.required_events) == (before.id, "2.0", None, [])


async def test_what_the_operator_took_off_offer_stays_off(admin_conn, pool):
    await sync_catalogue(admin_conn, [DEFINITION])
    await admin_conn.execute("update public.plugins set is_active = false")

    await sync_catalogue(admin_conn, [changed(version="2.0")])

    assert await Catalogue(pool).list_active() == []
    assert not (await Catalogue(pool).find("pago-movil")).is_active


async def test_rows_of_plugins_that_are_not_loaded_are_left_alone(admin_conn, pool):
    await sync_catalogue(admin_conn, [DEFINITION])
    before = await Catalogue(pool).find("pago-movil")

    report = await sync_catalogue(admin_conn, [changed(slug="another")])

    assert report.added == ("another",)
    assert await Catalogue(pool).find("pago-movil") == before


@pytest.mark.parametrize(
    "fields",
    [{"slug": "Not-A-Slug"}, {"slug": "events"}, {"type": "toy"}, {"pricing_model": "auction"}],
    ids=["slug", "reserved", "type", "pricing"],
)
async def test_a_definition_that_the_catalogue_cannot_hold_is_named_and_nothing_is_written(admin_conn, pool, fields):
    unfit = changed(**fields)

    with pytest.raises(PluginFault) as caught:
        await sync_catalogue(admin_conn, [DEFINITION, changed(slug="other"), unfit])

    assert caught.value.slug == unfit.slug
    assert unfit.slug in caught.value.message
    assert await Catalogue(pool).list_active() == []


async def test_the_lanes_carry_messages_of_the_runtime_role(admin_conn, runtime_conn):
    await sync_catalogue(admin_conn, [DEFINITION])

    for lane in ("pideai_pago_movil", "pideai_pago_movil__bulk"):
        await runtime_conn.execute("select pgmq.send(%s, '{}'::jsonb)", [lane])
        assert (await runtime_conn.execute("select pgmq.read(%s, 1, 1)", [lane])).rowcount == 1


async def test_nothing_loaded_is_no_fault(admin_conn):
    report = await sync_catalogue(admin_conn, [])

    assert (report.added, report.lanes) == ((), ())


async def test_an_unknown_plugin_is_none(pool):
    assert await Catalogue(pool).find("absent") is None

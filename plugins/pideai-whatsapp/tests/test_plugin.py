"""From event to outcome: what is said and paid, what is skipped and why, and what the plugin says of itself."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest
from pideai_whatsapp.errors import ChannelBusy
from pideai_whatsapp.plugin import plugin as installed
from pideai_whatsapp.statements import statement

from pideai_host.api import ConfigRejected, Outcome, PluginEventResult, slug_fault

EVOLUTION = {"provider": "evolution"}
CONSOLE = {"provider": "console"}
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Silent:
    """A database that takes everything, `written` in turn, and where no trigger of the old system speaks."""

    def __init__(self, *, others_are_faster: bool = False) -> None:
        self.written: list[str] = []
        self.others_are_faster = others_are_faster

    async def execute(self, sql: str, params: Any = None) -> int:
        self.written.append(sql)
        return 1

    async def fetch_one(self, sql: str, params: Any = None) -> dict[str, Any]:
        """Give a channel that nothing is known of, and write it unless others were faster."""
        unset = ("reason", "phone", "qr", "outage_since", "told_at", "heard_at", "checked_at", "hooked_at")
        row = dict.fromkeys((*unset, "restarted_at", "subdomain"))
        return row | {
            "is_written": not self.others_are_faster,
            "version": 1,
            "provider": "console",
            "state": "unlinked",
            "since": NOW,
            "at": NOW,
            "seen": [],
            "strikes": 0,
            "is_pending": False,
        }


Handle = Callable[..., Awaitable[PluginEventResult]]


async def test_accepted_message_is_delivered_written_down_and_paid(
    confirm: Handle, evolution: Any, records: Any, context: Any
) -> None:
    result = await confirm()

    (sent,) = evolution.sent
    assert result.resolved is Outcome.DELIVERED
    assert result.data is not None
    assert result.data["provider_message_id"] == sent.message_id
    assert records.row["state"] == "accepted"
    assert records.row["draft"].text == sent.text
    assert (context.credits.balance, context.credits.is_charged) == (9, True)


async def test_console_needs_no_phone_that_is_linked(confirm: Handle, records: Any, context: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_connected=False)

    result = await confirm(CONSOLE)

    assert result.resolved is Outcome.DELIVERED
    assert records.row["state"] == "accepted"
    assert "2 x Arepa reina pepiada (USD 5,00)" in context.log.lines[0][2]["text"]


async def test_every_notice_has_a_message(plugin: Any, context: Any, event: Any, moved: Any, records: Any) -> None:
    changes = [
        ("order.status_changed", "preparing", "confirmed"),
        ("order.ready", "ready", "preparing"),
        ("order.status_changed", "out_for_delivery", "ready"),
        ("order.completed", "delivered", "out_for_delivery"),
        ("order.cancelled", "cancelled", "pending"),
    ]
    kinds = []
    for event_type, status, previous in changes:
        records.rows.clear()
        await plugin.handle_event(
            event(event_type, moved(status, previous)), {**CONSOLE, "autoOrderCancelled": True}, context
        )
        kinds.append(records.row["draft"].kind.value)

    assert kinds == ["order_preparing", "order_ready", "order_out_for_delivery", "order_delivered", "order_cancelled"]


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"is_wanted": False, "template": "hola"}])
async def test_what_the_store_switched_off_is_skipped_with_a_reason(
    change: dict[str, Any], confirm: Handle, records: Any, context: Any
) -> None:
    records.known = msgspec.structs.replace(records.known, **change)

    result = await confirm(CONSOLE)

    assert result.resolved is Outcome.DELIVERED
    assert result.data is not None
    assert "apagad" in result.data["skipped"]
    assert (records.rows, context.credits.balance) == ({}, 10)


async def test_stores_own_template_is_used_and_its_unknown_tokens_are_logged(
    confirm: Handle, records: Any, context: Any
) -> None:
    records.known = msgspec.structs.replace(records.known, template="{customer_name}: {cupon} {order_items}")

    await confirm(CONSOLE)

    assert records.row["draft"].text.startswith("Ana Pérez: {cupon} 2 x Arepa")
    assert context.log.lines[0] == (
        "warning",
        "template holds unknown tokens",
        {"message_type": "order_confirmation", "tokens": ["cupon"]},
    )


async def test_store_that_wants_it_confirms_with_the_whole_order(confirm: Handle, records: Any) -> None:
    await confirm({**CONSOLE, "confirmationStyle": "full"})

    assert records.row["draft"].text.startswith("🛵 *Nuevo pedido #A1B2C3D4*\n23/11/26, 8:00")
    assert "• *2x Arepa reina pepiada* Precio: USD 5,00" in records.row["draft"].text


async def test_items_that_the_event_does_not_bring_are_read_for_a_confirmation(
    confirm: Handle, records: Any, items: Any
) -> None:
    records.order_items = items

    await confirm(CONSOLE, items=())

    assert "1 x Papelón con limón (USD 2,50)" in records.row["draft"].text


async def test_items_are_not_read_where_no_text_shows_them(
    plugin: Any, context: Any, event: Any, moved: Any, records: Any
) -> None:
    await plugin.handle_event(event("order.ready", moved("ready", "preparing")), CONSOLE, context)

    assert records.item_reads == 0


async def test_event_that_is_no_orders_is_skipped(plugin: Any, context: Any, event: Any) -> None:
    result = await plugin.handle_event(event("cart.abandoned", {"cartId": "x"}), CONSOLE, context)

    assert result.data == {"skipped": "El evento no es de un pedido ni de un carrito."}


async def test_instance_of_another_store_is_never_sent_through(
    confirm: Handle, evolution: Any, records: Any, context: Any
) -> None:
    evolution.states["otra"] = "open"
    records.foreign_instances.add("otra")

    result = await confirm({**EVOLUTION, "instanceName": "otra"})

    assert result.resolved is Outcome.FAILED
    assert (evolution.requests, context.credits.balance) == ([], 10)


@pytest.mark.parametrize("hook", ["on_install", "on_config_change"])
async def test_instance_of_another_store_is_refused_when_it_is_configured(
    hook: str, plugin: Any, records: Any, context: Any
) -> None:
    records.foreign_instances.add("otra")

    with pytest.raises(ConfigRejected) as refused:
        await getattr(plugin, hook)({**EVOLUTION, "instanceName": "otra"}, context)

    assert refused.value.faults.keys() == {"/instanceName"}


@pytest.mark.parametrize(
    ("config", "names_taken"), [(EVOLUTION, 0), ({**EVOLUTION, "instanceName": "mi-otra"}, 1)], ids=["none", "own"]
)
async def test_own_instance_is_taken_and_the_panel_told(
    config: dict[str, Any], names_taken: int, plugin: Any, context: Any
) -> None:
    context.db = Silent()

    await plugin.on_config_change(config, context)

    assert context.db.written.count(statement("instance_claim")) == names_taken
    assert context.db.written[-1] == statement("settings_flags")


async def test_configuration_that_is_refused_because_others_change_the_channel_tells_the_panel_nothing(
    plugin: Any, context: Any
) -> None:
    context.db = Silent(others_are_faster=True)

    with pytest.raises(ChannelBusy):
        await plugin.on_config_change(EVOLUTION, context)

    assert context.db.written == []


def test_definition_is_what_the_catalogue_expects() -> None:
    definition = installed.plugin_definition()

    assert slug_fault(definition.slug) is None
    assert definition.subscribed_events == (
        "order.created",
        "order.status_changed",
        "order.ready",
        "order.completed",
        "order.cancelled",
        "cart.abandoned",
        "whatsapp.manual_message",
        "whatsapp.campaign_message",
    )
    assert (definition.module, definition.max_age_s, definition.repeat_safe) == ("whatsapp", 7_200.0, False)
    assert definition.ordered


def test_entry_point_is_named_by_the_slug_and_leads_to_the_instance() -> None:
    (point,) = entry_points(group="pideai.plugins", name="whatsapp")

    assert point.load() is installed
    assert point.name == installed.plugin_definition().slug

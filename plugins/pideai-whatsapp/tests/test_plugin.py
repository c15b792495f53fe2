"""From event to outcome: one message once, a credit only for what was accepted, a reason for all the rest."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest
from pideai_whatsapp.config import read_config
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.plugin import plugin as installed
from pideai_whatsapp.sending.attempt import Attempt, message_id_of
from pideai_whatsapp.sending.notify import handle
from pideai_whatsapp.statements import statement

from pideai_host.api import ConfigRejected, DeliveryInfo, Outcome, PluginEventResult, slug_fault

EVOLUTION = {"provider": "evolution"}
CONSOLE = {"provider": "console"}
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class Silent:
    """A database that takes everything, `written` in turn, and where no trigger of the old system speaks."""

    def __init__(self) -> None:
        self.written: list[str] = []

    async def execute(self, sql: str, params: Any = None) -> int:
        self.written.append(sql)
        return 1

    async def fetch_one(self, sql: str, params: Any = None) -> dict[str, Any]:
        """Give a channel that nothing is known of, written in any case."""
        unset = ("reason", "phone", "qr", "outage_since", "told_at", "heard_at", "checked_at", "hooked_at")
        row = dict.fromkeys((*unset, "restarted_at", "subdomain"))
        return row | {
            "is_written": True,
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


@pytest.fixture
def confirm(plugin: WhatsAppPlugin, context: Any, event: Any, created: Any) -> Handle:
    """Deliver ``order.created`` once, by default through Evolution."""

    async def handle(config: dict[str, Any] = EVOLUTION, **changes: Any) -> PluginEventResult:
        return await plugin.handle_event(event("order.created", created(**changes)), config, context)

    return handle


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


async def test_second_attempt_after_success_sends_nothing_more(confirm: Handle, evolution: Any, context: Any) -> None:
    await confirm()

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert len(evolution.sent) == 1
    assert context.credits.balance == 9


async def test_crash_after_acceptance_still_pays_on_the_next_attempt(
    confirm: Handle, records: Any, context: Any
) -> None:
    await context.credits.reserve()
    records.rows[message_id_of(context)] = {"state": "accepted", "provider_message_id": "3EB0"}

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert context.credits.is_charged


async def test_lost_answer_is_unknown_and_never_sent_again(
    confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(drops=True))

    outcomes = [(await confirm()).resolved, (await confirm()).resolved]

    assert outcomes == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert len(evolution.requests) == 1
    assert records.row["state"] == "unknown"
    assert (context.credits.balance, context.credits.is_held) == (9, True)


async def test_worker_that_dies_while_sending_leaves_it_unknown(
    confirm: Handle, evolution: Any, canned: Any, records: Any
) -> None:
    evolution.canned.append(canned(hangs=True))
    dying = asyncio.create_task(confirm())
    await evolution.hanging.wait()
    dying.cancel()
    await asyncio.wait([dying])

    assert (await confirm()).resolved is Outcome.UNKNOWN
    assert len(evolution.requests) == 1


async def test_attempt_that_may_still_be_at_work_is_left_in_peace(
    confirm: Handle, evolution: Any, canned: Any, records: Any
) -> None:
    evolution.canned.append(canned(hangs=True))
    dying = asyncio.create_task(confirm())
    await evolution.hanging.wait()
    records.claimed_for_s = 1.0

    result = await confirm()

    dying.cancel()
    await asyncio.wait([dying])
    assert (result.resolved, len(evolution.requests)) == (Outcome.WAIT, 1)


async def test_lost_answer_is_no_loss_when_the_provider_tells_of_the_message_itself(
    confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(drops=True))
    await confirm()
    records.row["provider_message_id"] = "3EB0"

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert (records.row["state"], context.credits.is_charged, len(evolution.requests)) == ("accepted", True, 1)


class Flaky:
    """Fails the first so many calls of one kind, as a database that restarts does."""

    def __init__(self, part: Any, name: str, failures: float) -> None:
        self.part, self.name, self.failures = part, name, failures

    def __getattr__(self, name: str) -> Any:
        return self._call if name == self.name else getattr(self.part, name)

    async def _call(self, *args: Any, **kwargs: Any) -> Any:
        if self.failures > 0:
            self.failures -= 1
            raise OSError("the connection is lost")
        return await getattr(self.part, self.name)(*args, **kwargs)


@pytest.fixture
def hand_over_with(context: Any, created: Any, event: Any) -> Handle:
    """Deliver ``order.created`` once by records and credits of the test's own; pauses take no time."""

    async def no_pause(_: float) -> None:
        return None

    async def handle_once(records: Any, config: dict[str, Any] = EVOLUTION) -> PluginEventResult:
        attempt = Attempt(context=context, config=read_config(config), records=records, now=NOW, pause=no_pause)
        return await handle(event("order.created", created()), attempt)

    return handle_once


@pytest.mark.parametrize("failures", [1, 4])
async def test_database_that_is_away_while_a_message_is_sent_is_told_when_it_is_back(
    failures: int, hand_over_with: Handle, evolution: Any, records: Any, context: Any
) -> None:
    result = await hand_over_with(Flaky(records, "settle", failures))

    assert (result.resolved, records.row["state"], len(evolution.sent)) == (Outcome.DELIVERED, "accepted", 1)
    assert context.credits.is_charged


async def test_message_that_was_accepted_is_delivered_even_if_nothing_can_be_noted(
    hand_over_with: Handle, evolution: Any, records: Any, context: Any
) -> None:
    context.credits = Flaky(context.credits, "charge", float("inf"))

    result = await hand_over_with(Flaky(records, "settle", float("inf")))

    assert result.resolved is Outcome.DELIVERED
    assert result.data is not None
    assert result.data["provider_message_id"] == evolution.sent[0].message_id
    assert ("error", "accepted message not noted") in [line[:2] for line in context.log.lines]


async def test_refusal_is_told_to_a_database_that_was_away(
    hand_over_with: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(status=503, raw=b"busy"))
    context.credits = Flaky(context.credits, "refund", 2)

    result = await hand_over_with(Flaky(records, "settle", 2))

    assert (result.resolved, records.row["state"], context.credits.balance) == (Outcome.RETRY, "refused", 10)


async def test_two_attempts_at_once_send_one_message(confirm: Handle, evolution: Any, context: Any) -> None:
    outcomes = {result.resolved for result in await asyncio.gather(confirm(), confirm())}

    assert outcomes <= {Outcome.DELIVERED, Outcome.WAIT, Outcome.UNKNOWN}
    assert Outcome.DELIVERED in outcomes
    assert len(evolution.sent) == 1
    assert context.credits.balance == 9


@pytest.mark.parametrize("state", ["never", "connecting", "close"])
async def test_lost_session_waits_and_costs_nothing(
    state: str, confirm: Handle, evolution: Any, records: Any, context: Any
) -> None:
    evolution.states["laarepera"] = state

    result = await confirm()

    assert (result.resolved, result.retry_after_s) == (Outcome.WAIT, 30.0)
    assert (records.row["state"], records.row["is_final"], records.doubts) == ("refused", False, ["evolution"])
    assert context.credits.balance == 10


@pytest.mark.parametrize(("attempt", "is_final"), [(1, False), (3, False), (4, True)])
async def test_message_that_will_be_tried_again_only_waits(
    attempt: int, is_final: bool, confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(status=503, raw=b"busy"))
    context.delivery = DeliveryInfo(id=context.delivery.id, attempt=attempt)

    await confirm()

    assert records.row["is_final"] is is_final


async def test_refused_for_now_is_retried_and_then_goes_out(
    confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(status=503, raw=b"busy"))

    first, second = await confirm(), await confirm()

    assert (first.resolved, first.response_code, first.response_body) == (Outcome.RETRY, 503, "busy")
    assert second.resolved is Outcome.DELIVERED
    assert (records.row["state"], len(evolution.sent), context.credits.balance) == ("accepted", 1, 9)


async def test_number_without_whatsapp_fails_and_gives_the_credit_back(
    confirm: Handle, evolution: Any, records: Any, context: Any
) -> None:
    evolution.not_on_whatsapp.add("584141234567")

    result = await confirm()

    assert result.resolved is Outcome.FAILED
    assert result.error is not None
    assert result.error.startswith("El número del cliente no tiene WhatsApp.")
    assert (records.row["state"], records.row["error"]) == ("refused", result.error)
    assert context.credits.balance == 10


async def test_wrong_key_waits_for_the_operator_and_says_so(confirm: Handle, evolution: Any, context: Any) -> None:
    context.secrets.values["evolution_api_key"] = "wrong"

    result = await confirm()

    assert (result.resolved, result.retry_after_s) == (Outcome.WAIT, 120.0)
    assert ("error", "whatsapp message not accepted") in [line[:2] for line in context.log.lines]
    assert context.credits.balance == 10


async def test_server_without_evolution_waits_for_the_operator(confirm: Handle, records: Any) -> None:
    result = await confirm()

    assert result.resolved is Outcome.WAIT
    assert result.error == "Este servidor no tiene configurado Evolution (dirección y clave)."
    assert records.rows == {}


@pytest.mark.parametrize(
    ("phone", "reason"),
    [
        (None, "Falta el teléfono del cliente."),
        ("hola", "El teléfono del cliente no es un número válido: «hola»."),
    ],
)
async def test_order_without_a_usable_phone_fails_and_costs_nothing(
    phone: str | None, reason: str, confirm: Handle, records: Any, context: Any
) -> None:
    result = await confirm(CONSOLE, customer_phone=phone)

    assert (result.resolved, result.error) == (Outcome.FAILED, reason)
    assert records.rows == {}
    assert context.credits.balance == 10


async def test_total_that_is_no_number_fails(confirm: Handle, context: Any) -> None:
    result = await confirm(CONSOLE, total=Decimal("NaN"))

    assert result.resolved is Outcome.FAILED
    assert context.credits.balance == 10


async def test_store_that_is_gone_fails(confirm: Handle, records: Any) -> None:
    records.known = None

    assert (await confirm(CONSOLE)).resolved is Outcome.FAILED


async def test_without_credits_it_fails_and_the_owner_hears_once_a_month(confirm: Handle, context: Any) -> None:
    context.credits.balance = 0

    results = [await confirm(CONSOLE), await confirm(CONSOLE)]

    assert [result.resolved for result in results] == [Outcome.FAILED, Outcome.FAILED]
    assert len(context.notices) == 1
    assert context.storage.values.keys() == {"notice:no-credits:2026-11"}


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


async def test_store_that_linked_no_phone_waits(confirm: Handle, evolution: Any, records: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_connected=False)

    result = await confirm()

    assert (result.resolved, result.retry_after_s) == (Outcome.WAIT, 30.0)
    assert (records.rows, evolution.requests) == ({}, [])


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

"""A cart that was left behind: reminded of once, while it still is one and its customer wants to hear of it."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.sending.facts import CartState

from pideai_host.api import CartAbandonedPayload, Outcome

CART = UUID(int=77)
CONSOLE = {"provider": "console", "autoAbandonedCart": True}


@pytest.fixture
def remind(plugin: WhatsAppPlugin, context: Any, event: Any, records: Any) -> Any:
    records.carts[CART] = CartState(is_open=True)

    async def handle(config: dict[str, Any] = CONSOLE, **changes: Any) -> Any:
        payload = CartAbandonedPayload(
            **{
                "cart_id": CART,
                "total": "12.50",
                "currency": "USD",
                "customer_name": "Ana Pérez",
                "customer_phone": "0414-1234567",
                "recovery_token": "0123abcd",
                **changes,
            }
        )
        payload = msgspec.convert(msgspec.to_builtins(payload), CartAbandonedPayload, strict=False)
        return await plugin.handle_event(event("cart.abandoned", payload), config, context)

    return handle


async def test_customer_is_reminded_with_the_total_and_the_way_back(remind: Any, records: Any, context: Any) -> None:
    result = await remind()

    assert result.resolved is Outcome.DELIVERED
    assert "USD 12,50" in records.row["draft"].text
    assert "https://laarepera.pideai.com/?recovery_token=0123abcd" in records.row["draft"].text
    assert (records.reminded, context.credits.is_charged) == ([CART], True)


async def test_reminders_are_off_until_the_store_wants_them(remind: Any, records: Any) -> None:
    result = await remind({"provider": "console"})

    assert "apagado" in result.data["skipped"]
    assert (records.rows, records.reminded) == ({}, [])


@pytest.mark.parametrize(
    "state",
    [None, CartState(is_open=False), CartState(is_open=True, has_ordered=True)],
    ids=["gone", "over", "ordered"],
)
async def test_cart_that_is_none_any_more_is_left_alone(
    state: CartState | None, remind: Any, records: Any, context: Any
) -> None:
    records.carts = {} if state is None else {CART: state}

    result = await remind()

    assert result.resolved is Outcome.DELIVERED
    assert "skipped" in result.data
    assert (records.rows, context.credits.balance) == ({}, 10)


async def test_customer_who_opted_out_is_left_alone(remind: Any, records: Any) -> None:
    records.opted_out.add("+584141234567")

    result = await remind()

    assert result.data == {"skipped": "El cliente pidió no recibir promociones."}
    assert records.rows == {}


async def test_second_attempt_after_success_still_notes_the_reminder(remind: Any, records: Any) -> None:
    await remind()
    records.reminded.clear()
    records.carts[CART] = CartState(is_open=False)

    result = await remind()

    assert (result.resolved, records.reminded, len(records.rows)) == (Outcome.DELIVERED, [CART], 1)


async def test_cart_without_a_phone_fails_and_costs_nothing(remind: Any, context: Any) -> None:
    result = await remind(customer_phone=None)

    assert (result.resolved, context.credits.balance) == (Outcome.FAILED, 10)


async def test_reminder_that_did_not_go_out_is_not_noted(remind: Any, records: Any, context: Any) -> None:
    context.credits.balance = 0

    result = await remind()

    assert (result.resolved, records.reminded) == (Outcome.FAILED, [])


async def test_reminder_that_may_have_been_read_counts_as_one(
    remind: Any, records: Any, evolution: Any, canned: Any
) -> None:
    evolution.canned.append(canned(drops=True))

    result = await remind({"provider": "evolution", "autoAbandonedCart": True})

    assert (result.resolved, records.reminded) == (Outcome.UNKNOWN, [CART])

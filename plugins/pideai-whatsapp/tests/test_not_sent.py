"""A message that does not go out: it waits, is tried again or fails, each for its own reason, and costs nothing."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pideai_host.api import DeliveryInfo, Outcome, PluginEventResult

CONSOLE = {"provider": "console"}

Handle = Callable[..., Awaitable[PluginEventResult]]


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


async def test_store_that_linked_no_phone_waits(confirm: Handle, evolution: Any, records: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_connected=False)

    result = await confirm()

    assert (result.resolved, result.retry_after_s) == (Outcome.WAIT, 30.0)
    assert (records.rows, evolution.requests) == ({}, [])

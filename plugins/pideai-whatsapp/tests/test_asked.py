"""Messages that somebody asked for go the way of all others; what stops one shows in its row."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.sending.queued import QueuedMessage
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import Outcome

EVOLUTION = {"provider": "evolution"}
MESSAGE = UUID(int=99)
MANUAL = QueuedMessage(
    message_id=MESSAGE, phone=Phone("+584141234567"), kind=MessageType.MANUAL, text="¡Hola, Ana!", customer_name="Ana"
)
CAMPAIGN = msgspec.structs.replace(MANUAL, kind=MessageType.CAMPAIGN, campaign_id=UUID(int=5))


@pytest.fixture
def send(plugin: WhatsAppPlugin, context: Any, event: Any, records: Any, evolution: Any) -> Any:
    async def handle(queued: QueuedMessage = MANUAL) -> Any:
        records.rows.setdefault(queued.message_id, {"state": "new"})
        made = event(queued.event_type, msgspec.to_builtins(queued))
        return await plugin.handle_event(made, EVOLUTION, context)

    return handle


async def test_what_was_asked_for_is_sent_under_its_own_id(
    send: Any, evolution: Any, records: Any, context: Any
) -> None:
    result = await send()

    assert (result.resolved, [one.text for one in evolution.sent]) == (Outcome.DELIVERED, ["¡Hola, Ana!"])
    assert result.data["message_id"] == str(MESSAGE)
    assert (records.rows[MESSAGE]["state"], context.credits.balance) == ("accepted", 9)


async def test_second_attempt_sends_nothing_more(send: Any, evolution: Any) -> None:
    await send()
    await send()

    assert len(evolution.sent) == 1


async def test_picture_is_sent_with_its_text_as_caption(send: Any, evolution: Any) -> None:
    result = await send(msgspec.structs.replace(MANUAL, image_url="https://cdn.example.com/arepa.png"))

    assert result.resolved is Outcome.DELIVERED
    assert len(evolution.sent) == 1


async def test_campaign_that_was_cancelled_meanwhile_is_not_sent(
    send: Any, evolution: Any, records: Any, context: Any
) -> None:
    records.known = msgspec.structs.replace(records.known, campaign_status="cancelled")

    result = await send(CAMPAIGN)

    assert result.data == {"skipped": "La campaña fue cancelada."}
    assert (evolution.sent, records.rows[MESSAGE]["state"], context.credits.balance) == ([], "refused", 10)


@pytest.mark.parametrize("kind", [MessageType.CAMPAIGN, MessageType.PROMOTION])
async def test_advertising_does_not_reach_who_opted_out(
    kind: MessageType, send: Any, evolution: Any, records: Any
) -> None:
    records.opted_out.add(MANUAL.phone)

    result = await send(msgspec.structs.replace(MANUAL, kind=kind))

    assert result.data == {"skipped": "El cliente pidió no recibir promociones."}
    assert (evolution.sent, records.rows[MESSAGE]["error"]) == ([], result.data["skipped"])


async def test_what_the_store_writes_by_hand_reaches_them_still(send: Any, evolution: Any, records: Any) -> None:
    records.opted_out.add(MANUAL.phone)

    await send()

    assert len(evolution.sent) == 1


async def test_store_that_is_off_fails_where_the_owner_sees_it(send: Any, records: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_enabled=False)

    result = await send()

    assert (result.resolved, records.rows[MESSAGE]["error"]) == (Outcome.FAILED, "La tienda tiene WhatsApp apagado.")


async def test_without_credits_it_fails_in_its_row(send: Any, records: Any, context: Any) -> None:
    context.credits.balance = 0

    result = await send()

    assert (result.resolved, records.rows[MESSAGE]["state"]) == (Outcome.FAILED, "refused")
    assert "créditos" in records.rows[MESSAGE]["error"]


async def test_while_the_phone_is_not_linked_it_waits_as_it_is(send: Any, records: Any, context: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_connected=False)

    result = await send()

    assert (result.resolved, records.rows[MESSAGE], context.credits.balance) == (Outcome.WAIT, {"state": "new"}, 10)


async def test_what_cannot_be_read_fails(plugin: Any, context: Any, event: Any) -> None:
    result = await plugin.handle_event(event("whatsapp.manual_message", {"text": "hola"}), EVOLUTION, context)

    assert result.resolved is Outcome.FAILED

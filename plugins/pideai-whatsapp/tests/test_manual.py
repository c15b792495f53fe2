"""What the owner sends by hand: written and checked at once, so that what can never go out is refused at once."""

from typing import Any
from uuid import UUID

import msgspec
import pytest
from pideai_whatsapp.errors import MessageRejected, PhoneUnusable
from pideai_whatsapp.sending.manual import Manual, write_manual
from pideai_whatsapp.text.templates import MessageType

ORDER = UUID("a1b2c3d4-2222-4222-8222-222222222222")
HAND = Manual(
    message_id=UUID(int=3), customer_phone="0414-1234567", customer_name="Ana", text="¡Hola, {customer_name}!"
)


def asked(**changes: Any) -> Manual:
    return msgspec.structs.replace(HAND, **changes)


@pytest.fixture
def write(records: Any) -> Any:
    return lambda wanted: write_manual(wanted, records=records, base_domain="pideai.com")


async def test_own_words_go_as_they_are_with_their_tokens_replaced(write: Any) -> None:
    queued = await write(asked())

    assert (queued.text, queued.phone, queued.kind) == ("¡Hola, Ana!", "+584141234567", MessageType.MANUAL)


async def test_token_that_nobody_knows_stays_in_own_words(write: Any) -> None:
    assert (await write(asked(text="{cupon} {store_name}"))).text == "{cupon} La Arepera"


async def test_a_value_is_never_expanded_again(write: Any) -> None:
    queued = await write(asked(customer_name="{store_name} $1", text="Hola {customer_name}"))

    assert queued.text == "Hola {store_name} $1"


async def test_template_is_filled_from_the_order(write: Any, records: Any, created: Any, items: Any) -> None:
    records.orders[ORDER] = created()
    records.order_items = items
    records.known = msgspec.structs.replace(records.known, template="{order_number}: {order_total} {order_items}")

    queued = await write(asked(kind=MessageType.ORDER_READY, order_id=ORDER, text=None))

    assert queued.text.startswith("A1B2C3D4: USD 12,50 2 x Arepa")
    assert (queued.order_id, queued.kind) == (ORDER, MessageType.ORDER_READY)


async def test_given_values_come_before_the_orders(write: Any, records: Any, created: Any) -> None:
    records.orders[ORDER] = created()
    records.known = msgspec.structs.replace(records.known, template="{estimated_time}")

    wanted = asked(kind=MessageType.ORDER_READY, order_id=ORDER, variables={"estimated_time": "ya"})

    assert (await write(wanted)).text == "ya"


async def test_promotion_puts_the_stores_words_into_its_frame(write: Any) -> None:
    wanted = asked(kind=MessageType.PROMOTION, variables={"promotion_message": "hoy 2x1 en {order_total}"})

    assert "Ana, hoy 2x1 en {order_total}" in (await write(wanted)).text


async def test_picture_needs_no_words(write: Any) -> None:
    queued = await write(asked(text=None, image_url="https://cdn.example.com/a.png"))

    assert (queued.text, queued.image_url) == ("", "https://cdn.example.com/a.png")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": None}, "vacío"),
        ({"text": " \n "}, "vacío"),
        ({"text": "x" * 4_097}, "4097 caracteres"),
        ({"image_url": "http://10.0.0.1/a.png"}, "https"),
        ({"kind": MessageType.CAMPAIGN}, "no se envía a mano"),
        (
            {"kind": MessageType.ORDER_READY, "text": None},
            "Faltan campos de la plantilla: delivery_message, order_number",
        ),
        ({"kind": MessageType.ORDER_READY, "order_id": ORDER}, "no existe en esta tienda"),
        ({"variables": {"a": "x" * 1_001}}, "1000 caracteres"),
    ],
)
async def test_what_can_never_go_out_is_refused_in_words(changes: dict[str, Any], reason: str, write: Any) -> None:
    with pytest.raises(MessageRejected, match=reason):
        await write(asked(**changes))


async def test_phone_that_cannot_be_one_is_refused(write: Any) -> None:
    with pytest.raises(PhoneUnusable):
        await write(asked(customer_phone="hola"))


async def test_store_that_is_off_sends_nothing(write: Any, records: Any) -> None:
    records.known = msgspec.structs.replace(records.known, is_enabled=False)

    with pytest.raises(MessageRejected, match="apagado"):
        await write(asked())


async def test_promotion_by_hand_does_not_reach_who_opted_out(write: Any, records: Any) -> None:
    records.opted_out.add("+584141234567")

    with pytest.raises(MessageRejected, match="promociones"):
        await write(asked(kind=MessageType.PROMOTION, variables={"promotion_message": "2x1"}))
    assert (await write(asked())).text

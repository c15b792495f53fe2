"""A store's eight texts: its own row wins, a change is checked, a preview shows what a customer would read."""

from datetime import UTC, datetime

import pytest
from pideai_whatsapp.errors import TemplateRejected
from pideai_whatsapp.sending.template_store import TemplateStore
from pideai_whatsapp.text.templates import TEMPLATE_NAMES, MessageType


@pytest.fixture
def templates(context):
    return TemplateStore(context.db, context.store_id, base_domain="pideai.com")


async def test_all_eight_are_listed_with_their_tokens(templates):
    listed = await templates.list()

    assert [one.kind for one in listed] == list(TEMPLATE_NAMES)
    assert all(one.is_own and one.tokens and not one.unknown for one in listed)
    assert {one.kind for one in listed if not one.is_active} == {MessageType.ORDER_CANCELLED}


async def test_a_kind_without_a_row_shows_our_text(templates, shop):
    await shop.connection.execute("delete from public.whatsapp_message_templates")

    assert all(one.body and one.is_active and not one.is_own for one in await templates.list())


async def test_a_change_is_kept_and_what_it_leaves_out_stays(templates):
    await templates.update(MessageType.ORDER_READY, body="Listo, {customer_name}.")
    changed = await templates.update(MessageType.ORDER_READY, is_active=False)

    assert (changed.body, changed.is_active) == ("Listo, {customer_name}.", False)
    assert changed in await templates.list()


async def test_a_store_can_switch_off_a_kind_that_it_has_no_text_of(templates, shop):
    await shop.connection.execute("delete from public.whatsapp_message_templates")

    changed = await templates.update(MessageType.ORDER_READY, is_active=False)

    assert (changed.is_own, changed.is_active, bool(changed.body)) == (True, False, True)


async def test_an_unknown_token_is_refused_with_those_that_are_known(templates):
    with pytest.raises(TemplateRejected) as refused:
        await templates.update(MessageType.ORDER_READY, body="{customer_nam} {cart_total} {store_name}")

    assert refused.value.unknown == ("cart_total", "customer_nam")
    assert {"customer_name", "store_name", "order_items"} <= set(refused.value.known)
    assert "{customer_name}" in refused.value.hint


@pytest.mark.parametrize("body", ["", "  \n ", "x" * 4_001])
async def test_a_text_that_is_empty_or_too_long_is_refused(templates, body):
    with pytest.raises(TemplateRejected):
        await templates.update(MessageType.ORDER_READY, body=body)
    with pytest.raises(TemplateRejected):
        await templates.preview(MessageType.ORDER_READY, body=body)


@pytest.mark.parametrize("kind", [MessageType.MANUAL, MessageType.CAMPAIGN])
async def test_a_kind_that_has_no_template_is_refused(templates, kind):
    with pytest.raises(TemplateRejected):
        await templates.update(kind, is_active=True)


async def test_a_preview_is_of_the_given_text_or_of_the_stores_own(templates):
    await templates.update(MessageType.ORDER_READY, body="{customer_name}: {order_total}")

    own = await templates.preview(MessageType.ORDER_READY)
    given = await templates.preview(MessageType.ORDER_READY, body="{order_total} {nada}")

    assert (own.text, given.text, given.unknown) == ("Ana Pérez: USD 15,00", "USD 15,00 {nada}", ("nada",))


@pytest.mark.parametrize("kind", list(TEMPLATE_NAMES))
async def test_the_shops_own_texts_leave_nothing_open(templates, kind):
    assert "{" not in (await templates.preview(kind)).text


async def test_the_shops_ready_text_does_not_say_of_a_delivery_that_it_is_on_its_way(templates):
    ready = await templates.preview(MessageType.ORDER_READY)
    leaves = await templates.preview(MessageType.ORDER_OUT_FOR_DELIVERY)

    assert "camino" not in ready.text
    assert "camino" in leaves.text


@pytest.mark.parametrize(("order_type", "begins"), [("delivery", "🛵"), ("pickup", "🛍️"), ("dine_in", "🍽️")])
async def test_a_whole_order_is_previewed_by_its_type(templates, order_type, begins):
    composed = await templates.preview_order(order_type, at=datetime(2026, 11, 23, 12, tzinfo=UTC))

    assert composed.text.startswith(begins)
    assert composed.unknown == ()


async def test_a_whole_order_is_previewed_by_a_given_text(templates):
    at = datetime(2026, 11, 23, 12, tzinfo=UTC)
    composed = await templates.preview_order("pickup", at=at, template="{order-number} {nada}")

    assert (composed.text, composed.unknown) == ("A1B2C3D4 {nada}\n\nNotas: Sin cebolla", ("nada",))

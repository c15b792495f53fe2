"""Defaults and checks of the tables, as production has them."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

_CHECKS = {
    "order-status": ("orders", "status", "shipped"),
    "order-type": ("orders", "order_type", "digital_menu"),
    "subdomain-short": ("stores", "subdomain", "ab"),
    "subdomain-upper": ("stores", "subdomain", "Arepas"),
    "subdomain-double-hyphen": ("stores", "subdomain", "arepas--ana"),
    "subdomain-last-hyphen": ("stores", "subdomain", "arepas-"),
    "subdomain-long": ("stores", "subdomain", "a" * 64),
    "decimal-places": ("stores", "decimal_places", 5),
    "active-currency": ("stores", "active_currency", "EUR"),
    "price-mode": ("stores", "delivery_price_mode", "zones"),
    "manual-rate": ("stores", "manual_usd_ves_rate", 0),
    "whatsapp-subscription": ("whatsapp_settings", "subscription_status", "paid"),
    "template-type": ("whatsapp_message_templates", "template_type", "order_lost"),
    "plan-status": ("subscriptions", "status", "expired"),
}


@pytest.mark.parametrize(("table", "column", "value"), _CHECKS.values(), ids=_CHECKS)
async def test_a_value_outside_the_check_is_refused(shop: Any, table: str, column: str, value: object) -> None:
    await shop.order()

    with pytest.raises(psycopg.errors.CheckViolation):
        await shop.run(f"update public.{table} set {column} = %(value)s", value=value)


async def test_the_second_delivery_price_mode_has_no_check(shop: Any) -> None:
    assert await shop.run("update public.stores set delivery_price_mode_v2 = 'zones'") == 1


async def test_an_order_begins_pending_and_for_delivery(shop: Any) -> None:
    order_id = await shop.order()

    assert await shop.rows(
        "select status, order_type, delivery_price, coupon_discount from public.orders where id = %(id)s", id=order_id
    ) == [("pending", "delivery", 0, 0)]


async def test_an_item_needs_a_positive_quantity(shop: Any) -> None:
    order_id = await shop.order()

    with pytest.raises(psycopg.errors.CheckViolation):
        await shop.add_item(order_id, quantity=0)


async def test_a_menu_item_that_was_sold_cannot_be_deleted(shop: Any) -> None:
    await shop.add_item(await shop.order())

    with pytest.raises(psycopg.IntegrityError, match="order_items_menu_item_id_fkey"):
        await shop.run("delete from public.menu_items")


async def test_orders_hand_their_old_row_to_replication(shop: Any) -> None:
    assert await shop.value("select relreplident from pg_class where oid = 'public.orders'::regclass") == "f"


async def test_whatsapp_is_off_by_default_and_all_messages_but_two_are_on(shop: Any) -> None:
    await shop.run("delete from public.whatsapp_settings")
    row = await shop.rows(
        "insert into public.whatsapp_settings (store_id) values (%(store_id)s) returning is_enabled, is_connected,"
        " auto_order_confirmation, auto_order_preparing, auto_order_ready, auto_order_out_for_delivery,"
        " auto_order_delivered, auto_order_cancelled, auto_abandoned_cart, abandoned_cart_delay_minutes,"
        " subscription_status"
    )

    assert row == [(False, False, True, True, True, True, True, False, False, 30, "inactive")]


async def test_a_cart_expires_after_a_week_and_has_a_token_of_its_own(shop: Any) -> None:
    insert = (
        "insert into public.abandoned_carts (store_id, cart_data, cart_total) values (%(store_id)s, '{}', 10)"
        " returning recovery_token, expires_at - created_at, reminder_sent, recovered"
    )
    [first] = await shop.rows(insert)
    [second] = await shop.rows(insert)

    assert first[1:] == (timedelta(days=7), False, False)
    assert len(first[0]) == 32
    assert first[0] != second[0]


async def test_global_exchange_rates_may_repeat(shop: Any) -> None:
    """Null store ids count as different, so the newest one must be chosen."""
    for rate in (36, 37):
        await shop.run(
            "insert into public.exchange_rates (from_currency, to_currency, rate, source)"
            " values ('USD', 'VES', %(rate)s, 'bcv_auto')",
            rate=rate,
        )

    assert await shop.value("select count(*) from public.exchange_rates") == 2


async def test_the_long_message_templates_have_their_documented_lengths(shop: Any) -> None:
    assert await shop.rows(
        "select length(order_message_template_delivery), length(order_message_template_pickup),"
        " length(order_message_template_digital_menu), length(order_product_template) from public.stores"
    ) == [(412, 173, 105, 74)]


async def test_payment_methods_are_never_touched_by_time(shop: Any) -> None:
    await shop.run("update public.payment_methods set updated_at = '2020-01-01', name = 'Zelle'")

    assert await shop.value("select updated_at < now() - interval '1 year' from public.payment_methods")

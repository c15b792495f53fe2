"""What the database does by itself on orders and stores."""

import re
from typing import Any
from uuid import uuid4

import psycopg
import pytest


async def _history(shop: Any) -> list[tuple[Any, ...]]:
    return await shop.rows("select from_status, to_status, changed_by from public.order_status_history order by ctid")


async def test_an_order_gets_a_tracking_code_of_unmistakable_characters(shop: Any) -> None:
    order_id = await shop.order()

    code = await shop.value("select tracking_code from public.orders where id = %(id)s", id=order_id)
    assert re.fullmatch("[A-HJ-NP-Z2-9]{8}", code)


async def test_a_tracking_code_that_was_sent_along_is_kept(shop: Any) -> None:
    order_id = await shop.order(tracking_code="MINE")

    assert await shop.value("select tracking_code from public.orders where id = %(id)s", id=order_id) == "MINE"


async def test_each_status_change_leaves_one_row_of_history(shop: Any) -> None:
    order_id = await shop.order()
    await shop.move(order_id, "confirmed", "confirmed", "ready")

    assert await _history(shop) == [
        (None, "pending", None),
        ("pending", "confirmed", None),
        ("confirmed", "ready", None),
    ]


async def test_the_history_names_who_changed_the_status(shop: Any) -> None:
    order_id = await shop.order()

    async with shop.acting_as("authenticated", shop.owner_id):
        await shop.move(order_id, "confirmed")

        assert (await _history(shop))[-1] == ("pending", "confirmed", shop.owner_id)


async def test_an_order_without_a_store_cannot_be_saved(shop: Any) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        await shop.order(store_id=None)


async def test_updated_at_moves_with_every_update(shop: Any) -> None:
    order_id = await shop.order(updated_at="2020-01-01")
    await shop.run("update public.orders set notes = 'Sin cebolla' where id = %(id)s", id=order_id)

    assert await shop.value("select updated_at > now() - interval '1 hour' from public.orders")


@pytest.fixture
async def hardware_shop(shop: Any) -> Any:
    """A store that sells no food, with ten of everything."""
    await shop.run("update public.stores set is_food_business = false")
    await shop.run("update public.menu_items set track_stock = true, stock_quantity = 10")
    return shop


async def _stock(shop: Any, menu_item_id: Any) -> int:
    return await shop.value("select stock_quantity from public.menu_items where id = %(id)s", id=menu_item_id)


@pytest.mark.parametrize(
    ("statuses", "left"),
    [
        ([], 10),
        (["confirmed"], 7),
        (["confirmed", "pending", "confirmed"], 4),
        (["confirmed", "ready", "cancelled"], 10),
        (["confirmed", "delivered", "cancelled"], 7),
        (["cancelled"], 10),
    ],
    ids=["pending", "confirmed", "confirmed twice", "cancelled", "cancelled after delivery", "never confirmed"],
)
async def test_stock_follows_the_status(hardware_shop: Any, statuses: list[str], left: int) -> None:
    order_id = await hardware_shop.order()
    item = await hardware_shop.add_item(order_id, quantity=3)

    await hardware_shop.move(order_id, *statuses)

    assert await _stock(hardware_shop, item) == left


async def test_stock_may_fall_below_nothing_and_is_booked(hardware_shop: Any) -> None:
    order_id = await hardware_shop.order()
    item = await hardware_shop.add_item(order_id, quantity=12)

    await hardware_shop.move(order_id, "confirmed")

    assert await _stock(hardware_shop, item) == -2
    assert await hardware_shop.rows("select change_type, quantity_change from public.stock_history") == [("order", -12)]


async def test_a_restaurant_counts_no_stock(shop: Any) -> None:
    await shop.run("update public.menu_items set track_stock = true, stock_quantity = 10")
    order_id = await shop.order()
    item = await shop.add_item(order_id)

    await shop.move(order_id, "confirmed")

    assert await _stock(shop, item) == 10


async def test_a_new_store_has_the_free_plan_for_a_year_without_modules(shop: Any) -> None:
    row = await shop.rows(
        "with made as (insert into public.stores (owner_id, subdomain, name)"
        " values (%(owner_id)s, 'nueva-tienda', 'Nueva') returning id) select id from made"
    )
    [plan] = await shop.rows(
        "select p.name, s.status, s.enabled_modules, s.current_period_end > now() + interval '364 days',"
        " c.monthly_credits from public.subscriptions s join public.subscription_plans p on p.id = s.plan_id"
        " join public.store_ai_credits c using (store_id) where s.store_id = %(id)s",
        id=row[0][0],
    )

    assert plan == ("free", "active", {"delivery": False, "whatsapp": False}, True, 5)


async def test_the_owner_of_a_store_is_an_admin(shop: Any) -> None:
    assert await shop.value("select public.has_role(%(owner_id)s, 'admin')")


async def test_templates_are_filled_in_only_where_null_was_given(shop: Any) -> None:
    [(product, pickup)] = await shop.rows(
        "insert into public.stores (owner_id, subdomain, name, order_product_template)"
        " values (%(owner_id)s, 'nueva-tienda', 'Nueva', null)"
        " returning order_product_template, length(order_message_template_pickup)"
    )

    assert "{product-name}" in product
    assert pickup == 173


async def test_a_trial_switches_all_modules_on(shop: Any) -> None:
    await shop.run("delete from public.subscriptions")
    modules = await shop.value(
        "insert into public.subscriptions (store_id, plan_id, current_period_end)"
        " select %(store_id)s, id, now() from public.subscription_plans where name = 'trial' returning enabled_modules"
    )

    assert modules == {"delivery": True, "whatsapp": True}


async def test_a_change_of_plan_is_audited_and_resets_the_ai_credits(shop: Any) -> None:
    await shop.run("update public.store_ai_credits set credits_used_this_month = 5")
    await shop.run(
        "update public.subscriptions set plan_id = (select id from public.subscription_plans where name = 'pro')"
    )

    assert await shop.rows("select monthly_credits, credits_used_this_month from public.store_ai_credits") == [(100, 0)]
    assert await shop.value("select count(*) from public.subscription_audit_log where action = 'update'") == 2


async def test_without_pg_net_a_status_change_is_silent(shop: Any) -> None:
    notices: list[str] = []
    shop.conn.add_notice_handler(lambda notice: notices.append(str(notice.message_primary)))
    order_id = await shop.order()

    await shop.move(order_id, "confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled")

    assert notices == []


@pytest.fixture
async def pg_net(shop: Any) -> Any:
    """A net.http_post that keeps what production would send."""
    for statement in (
        "create schema net",
        "create table net.sent (url text, body jsonb)",
        """create function net.http_post(url text, headers jsonb, body jsonb) returns bigint language sql as
        $$ insert into net.sent values (url, body); select 1::bigint $$""",
        """insert into public.system_settings (key, value)
        values ('supabase_url', 'https://x.supabase.co'), ('supabase_service_role_key', 'key')""",
    ):
        await shop.run(statement)
    return shop


async def test_the_old_triggers_send_one_message_per_status_change(pg_net: Any) -> None:
    order_id = await pg_net.order(order_type="pickup")

    await pg_net.move(order_id, "confirmed", "confirmed", "preparing", "ready", "delivered")

    assert await pg_net.rows("select body ->> 'messageType' from net.sent") == [
        ("order_confirmation",),
        ("order_preparing",),
        ("order_ready",),
        ("order_delivered",),
    ]


async def test_the_old_confirmation_has_its_documented_payload(pg_net: Any) -> None:
    order_id = await pg_net.order(order_type="pickup")
    await pg_net.move(order_id, "confirmed")

    [(url, body)] = await pg_net.rows("select url, body from net.sent")
    assert url == "https://x.supabase.co/functions/v1/send-whatsapp-message"
    assert body == {
        "storeId": str(pg_net.store_id),
        "orderId": str(order_id),
        "customerPhone": "04141234567",
        "customerName": "Ana Pérez",
        "messageType": "order_confirmation",
        "variables": {
            "customer_name": "Ana Pérez",
            "order_number": str(order_id)[:8],
            "order_total": "$22.00",
            "estimated_time": "20-30 minutos",
            "store_name": "Arepas Ana",
            "order_type": "pickup",
            "delivery_address": None,
        },
    }


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        ("is_enabled = false", 0),
        ("is_connected = false", 0),
        ("auto_order_ready = false", 0),
        ("auto_order_ready = null", 1),
    ],
)
async def test_the_old_triggers_ask_the_settings_but_null_does_not_stop_them(
    pg_net: Any, change: str, messages: int
) -> None:
    await pg_net.run(f"update public.whatsapp_settings set {change}")

    await pg_net.move(await pg_net.order(), "ready")

    assert await pg_net.value("select count(*) from net.sent") == messages


async def test_an_order_that_is_born_confirmed_sends_nothing(pg_net: Any) -> None:
    await pg_net.order(status="confirmed")

    assert await pg_net.value("select count(*) from net.sent") == 0


@pytest.mark.parametrize("subdomain", ["www", "demo", "test"])
async def test_a_reserved_subdomain_is_refused_on_update_too(shop: Any, subdomain: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="reserved"):
        await shop.run("update public.stores set subdomain = %(subdomain)s", subdomain=subdomain)


async def test_deleting_a_store_deletes_what_it_had(shop: Any) -> None:
    order_id = await shop.order(user_id=shop.owner_id)

    await shop.run("delete from public.stores where id = %(store_id)s")

    assert await shop.value("select count(*) from public.orders where id = %(id)s", id=order_id) == 0


async def test_a_customer_row_that_goes_leaves_the_order(shop: Any) -> None:
    customer_id = uuid4()
    await shop.run(
        "insert into public.customers (id, name, email) values (%(id)s, 'Ana', 'ana@example.com')", id=customer_id
    )
    order_id = await shop.order(customer_id=customer_id)

    await shop.run("delete from public.customers")

    assert await shop.value("select customer_id is null from public.orders where id = %(id)s", id=order_id)

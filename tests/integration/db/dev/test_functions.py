"""The app's functions, with the oddities that the host has to live beside."""

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest


async def _items(shop: Any, **more: object) -> str:
    menu_item_id = await shop.value("select id from public.menu_items where store_id = %(store_id)s limit 1")
    item = {"menu_item_id": str(menu_item_id), "item_name": "Arepa", "price_at_time": 4.5, "quantity": 2, **more}
    return json.dumps([item])


async def _create(shop: Any, items: str, order_type: str = "delivery") -> tuple[Any, ...]:
    [row] = await shop.rows(
        "select * from public.admin_create_order(%(store_id)s, null, 'Ana', 'ana@example.com', '0414', %(type)s, 9.00,"
        " %(items)s::jsonb)",
        items=items,
        type=order_type,
    )
    return row


async def test_a_store_is_owned_by_its_owner_alone_even_when_inactive(shop: Any, other_owner: UUID) -> None:
    await shop.run("update public.stores set is_active = false")

    answers = {}
    for name, sub in {"owner": shop.owner_id, "other": other_owner, "nobody": None}.items():
        async with shop.acting_as("authenticated", sub):
            answers[name] = await shop.value("select public.user_owns_store(%(store_id)s)")

    assert answers == {"owner": True, "other": False, "nobody": False}


async def test_the_owned_store_is_answered_in_twelve_columns(shop: Any) -> None:
    async with shop.acting_as("authenticated", shop.owner_id):
        [row] = await shop.rows("select * from public.get_user_owned_store()")

    assert len(row) == 12
    assert row[:3] == (shop.store_id, "arepas-ana", "Arepas Ana")


@pytest.mark.parametrize(
    ("change", "enabled"),
    [
        ("status = 'active'", True),
        ("status = 'trial'", True),
        ("status = 'suspended'", False),
        ("current_period_end = now() - interval '1 year'", True),
        ("enabled_modules = '{}'", False),
        ("enabled_modules = '{\"whatsapp\": 15}'", False),
    ],
    ids=["active", "trial", "suspended", "period long over", "not enabled", "unreadable"],
)
async def test_a_module_hangs_on_status_and_switch_alone(shop: Any, change: str, enabled: bool) -> None:
    await shop.run(f"update public.subscriptions set {change}")

    assert await shop.value("select public.has_module_enabled(%(store_id)s, 'whatsapp')") is enabled


async def test_no_plan_enables_a_module(shop: Any) -> None:
    await shop.run("update public.subscriptions set enabled_modules = '{}'")

    for (plan,) in await shop.rows("select id from public.subscription_plans"):
        await shop.run(
            "update public.subscriptions set plan_id = %(plan)s",
            plan=plan,
        )
        assert await shop.value("select public.has_module_enabled(%(store_id)s, 'whatsapp')") is False


async def test_an_unknown_store_has_no_modules(shop: Any) -> None:
    assert await shop.value("select public.has_module_enabled(%(id)s, 'whatsapp')", id=uuid4()) is False


async def test_credits_are_reset_in_a_new_month(shop: Any) -> None:
    await shop.run(
        "update public.whatsapp_credits set credits_used_this_month = 50, extra_credits = 3,"
        " last_reset_date = date_trunc('month', current_date)::date - 1"
    )

    assert await shop.rows("select * from public.check_and_reset_whatsapp_credits(%(store_id)s)") == [(50, 3, 0, 53)]
    assert await shop.value("select last_reset_date = current_date from public.whatsapp_credits")


async def test_credits_without_a_reset_date_are_never_reset(shop: Any) -> None:
    await shop.run("update public.whatsapp_credits set credits_used_this_month = 7, last_reset_date = null")

    assert await shop.rows("select * from public.check_and_reset_whatsapp_credits(%(store_id)s)") == [(50, 0, 7, 43)]


async def test_credits_of_an_unknown_store_are_an_error(shop: Any) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        await shop.rows("select * from public.check_and_reset_whatsapp_credits(%(id)s)", id=uuid4())


@pytest.mark.parametrize(
    ("used", "extra", "answer"),
    [
        (0, 0, (True, "monthly", 49, None)),
        (49, 2, (True, "monthly", 2, None)),
        (50, 2, (True, "extra", 1, None)),
        (50, 0, (False, None, 0, "No credits available")),
        (60, 5, (False, None, 0, "No credits available")),
    ],
    ids=["monthly", "last monthly", "extra", "none", "a deficit eats the extra ones"],
)
async def test_a_credit_is_spent_monthly_first(shop: Any, used: int, extra: int, answer: tuple[Any, ...]) -> None:
    await shop.run(
        "update public.whatsapp_credits set credits_used_this_month = %(used)s, extra_credits = %(extra)s",
        used=used,
        extra=extra,
    )

    assert await shop.rows("select * from public.use_whatsapp_credit(%(store_id)s)") == [answer]


async def test_anon_may_spend_any_stores_credits(shop: Any) -> None:
    async with shop.acting_as("anon"):
        assert await shop.value("select success from public.use_whatsapp_credit(%(store_id)s)")


async def test_two_at_once_spend_one_credit_twice(lasting_shop: Any, database: Any) -> None:
    """No lock: the second has read before the first commits."""
    shop = lasting_shop
    await shop.run("update public.whatsapp_credits set credits_used_this_month = 49")
    spend, values = "select success from public.use_whatsapp_credit(%(store_id)s)", {"store_id": shop.store_id}

    async with (
        await psycopg.AsyncConnection.connect(database.admin_url) as first,
        await psycopg.AsyncConnection.connect(database.admin_url) as second,
    ):
        answers = [await (await first.execute(spend, values)).fetchone()]
        call = asyncio.create_task(second.execute(spend, values))
        await _until_it_waits(shop, second.info.backend_pid)
        await first.commit()
        answers.append(await (await call).fetchone())

    assert answers == [(True,), (True,)]
    assert await shop.value("select credits_used_this_month from public.whatsapp_credits") == 51


async def _until_it_waits(shop: Any, pid: int) -> None:
    async with asyncio.timeout(30):
        while not await shop.value("select exists (select from pg_locks where pid = %(pid)s and not granted)", pid=pid):
            pass


async def test_templates_that_exist_are_left_alone(shop: Any) -> None:
    await shop.run("update public.whatsapp_message_templates set message_body = 'mío'")

    await shop.run("select public.initialize_whatsapp_templates(%(store_id)s)")

    assert await shop.rows("select distinct message_body from public.whatsapp_message_templates") == [("mío",)]


async def test_the_panel_creates_an_order_with_its_items_and_extras(shop: Any) -> None:
    items = await _items(shop, extras=[{"name": "Queso", "price": 1}])

    async with shop.acting_as("authenticated", shop.owner_id):
        order_id, number, success, error = await _create(shop, items)

        assert (success, error) == (True, None)
        assert number == str(order_id)[:8].upper()
        assert await shop.rows("select status, user_id, total_amount from public.orders") == [
            ("pending", shop.owner_id, 9)
        ]
        assert await shop.rows("select quantity, extras from public.order_items") == [(2, None)]
        assert await shop.rows("select extra_name, extra_price from public.order_item_extras") == [("Queso", 1)]


@pytest.mark.parametrize(
    ("extras", "order_type", "empty"),
    [(None, "delivery", False), ([], "digital_menu", False), ([], "delivery", True)],
    ids=["extras null", "order type", "no items"],
)
async def test_a_faulty_order_is_undone_and_named(shop: Any, extras: Any, order_type: str, empty: bool) -> None:
    items = "[]" if empty else await _items(shop, extras=extras)

    async with shop.acting_as("authenticated", shop.owner_id):
        order_id, _, success, error = await _create(shop, items, order_type)

        assert (order_id, success) == (None, False)
        assert error
        assert await shop.value("select count(*) from public.orders") == 0


@pytest.mark.parametrize("role", ["authenticated", "service_role"])
async def test_only_the_owner_creates_orders_from_the_panel(shop: Any, role: str) -> None:
    items = await _items(shop)

    async with shop.acting_as(role):
        assert (await _create(shop, items))[2] is False


async def _update(shop: Any, order_id: UUID, **values: Any) -> bool:
    return await shop.value(
        "select success from public.admin_update_order(%(id)s, p_items => %(items)s::jsonb, p_status => %(status)s)",
        id=order_id,
        **{"items": None, "status": None, **values},
    )


async def test_the_panel_replaces_all_items_and_the_status_in_one_call(shop: Any) -> None:
    order_id = await shop.order()
    await shop.add_item(order_id, quantity=5)
    items = await _items(shop)

    async with shop.acting_as("authenticated", shop.owner_id):
        assert await _update(shop, order_id, items=items, status="confirmed")

        assert await shop.rows("select quantity from public.order_items") == [(2,)]
        assert await shop.value("select status from public.orders") == "confirmed"


@pytest.mark.parametrize("status", ["ready", "out_for_delivery", "delivered", "cancelled"])
async def test_an_order_past_preparing_is_not_edited(shop: Any, status: str) -> None:
    order_id = await shop.order(status=status)

    async with shop.acting_as("authenticated", shop.owner_id):
        assert not await _update(shop, order_id, status="pending")


@pytest.mark.parametrize(
    ("said", "becomes"), [("picked_up", "preparing"), ("in_transit", "preparing"), ("delivered", "delivered")]
)
async def test_the_drivers_word_moves_the_order_even_backwards(shop: Any, said: str, becomes: str) -> None:
    order_id = await shop.order(status="ready")
    assignment = await shop.value(
        "with driver as (insert into public.drivers (store_id, name, phone) values (%(store_id)s, 'Juan', '0412')"
        " returning id) insert into public.delivery_assignments (store_id, order_id, driver_id)"
        " select %(store_id)s, %(order_id)s, id from driver returning id",
        order_id=order_id,
    )

    async with shop.acting_as("anon"):
        await shop.run("select public.update_delivery_status(%(id)s, %(said)s)", id=assignment, said=said)

        assert await shop.value("select status from public.orders") == becomes

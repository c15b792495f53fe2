"""Who sees and changes what: anon, the owner, another owner, a customer, staff."""

from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

_OWNERS_ALONE = [
    "whatsapp_settings",
    "whatsapp_message_templates",
    "whatsapp_credits",
    "subscriptions",
    "store_ai_credits",
]


@pytest.mark.parametrize("table", _OWNERS_ALONE)
async def test_the_owner_reads_the_stores_rows(shop: Any, table: str) -> None:
    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.value(f"select count(*) from public.{table}") > 0


@pytest.mark.parametrize("table", _OWNERS_ALONE)
async def test_another_owner_does_not(shop: Any, other_owner: UUID, table: str) -> None:
    async with shop.acting_as("authenticated", other_owner):
        assert await shop.value(f"select count(*) from public.{table} where store_id = %(store_id)s") == 0


@pytest.mark.parametrize("table", _OWNERS_ALONE)
async def test_anon_does_not(shop: Any, table: str) -> None:
    async with shop.acting_as("anon"):
        assert await shop.value(f"select count(*) from public.{table}") == 0


async def test_the_service_role_reads_everything(shop: Any) -> None:
    async with shop.acting_as("service_role"):
        assert await shop.value("select count(*) from public.whatsapp_credits") == 1


async def test_anon_reads_all_orders_and_customers(shop: Any) -> None:
    """Production's state, which the host's own API must not repeat."""
    await shop.order()
    await shop.run("insert into public.customers (name, email) values ('Ana', 'ana@example.com')")

    async with shop.acting_as("anon"):
        assert await shop.value("select count(*) from public.orders") == 1
        assert await shop.value("select count(*) from public.customers") == 1


async def test_anon_may_insert_an_order_of_any_status_and_total(shop: Any) -> None:
    async with shop.acting_as("anon"):
        order_id = await shop.order(status="confirmed", total_amount="0.01")

        assert order_id is not None


async def test_anon_may_not_change_an_order(shop: Any) -> None:
    order_id = await shop.order()

    async with shop.acting_as("anon"):
        changed = await shop.run("update public.orders set status = 'ready' where id = %(id)s", id=order_id)

        assert changed == 0


async def test_the_owner_changes_the_stores_orders(shop: Any) -> None:
    order_id = await shop.order()

    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.run("update public.orders set status = 'ready' where id = %(id)s", id=order_id) == 1


async def test_another_owner_sees_and_changes_none_of_them(shop: Any, other_owner: UUID) -> None:
    await shop.order()

    async with shop.acting_as("authenticated", other_owner):
        assert await shop.value("select count(*) from public.orders") == 0
        assert await shop.run("update public.orders set status = 'ready'") == 0


async def test_a_customer_sees_the_orders_under_the_own_e_mail(shop: Any) -> None:
    customer = uuid4()
    await shop.run("insert into auth.users (id, email) values (%(id)s, 'ana@example.com')", id=customer)
    await shop.order()
    await shop.order(customer_email="luis@example.com")

    async with shop.acting_as("authenticated", customer):
        assert await shop.rows("select customer_email from public.orders") == [("ana@example.com",)]


async def test_a_customer_of_a_signed_in_user_reads_the_delivery(shop: Any) -> None:
    customer = uuid4()
    await shop.run("insert into auth.users (id, email) values (%(id)s, 'ana@example.com')", id=customer)
    order_id = await shop.order()
    await shop.run(
        "with driver as (insert into public.drivers (store_id, name, phone) values (%(store_id)s, 'Juan', '0412')"
        " returning id) insert into public.delivery_assignments (store_id, order_id, driver_id)"
        " select %(store_id)s, %(order_id)s, id from driver",
        order_id=order_id,
    )

    async with shop.acting_as("authenticated", customer):
        assert await shop.value("select count(*) from public.delivery_assignments") == 1


async def test_only_the_owner_inserts_and_reads_the_status_history(shop: Any, other_owner: UUID) -> None:
    await shop.order()

    async with shop.acting_as("authenticated", other_owner):
        assert await shop.value("select count(*) from public.order_status_history") == 0
    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.value("select count(*) from public.order_status_history") == 1


async def test_inactive_stores_are_seen_by_their_owner_alone(shop: Any) -> None:
    await shop.run("update public.stores set is_active = false")

    async with shop.acting_as("anon"):
        assert await shop.value("select count(*) from public.stores") == 0
    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.value("select count(*) from public.stores") == 1


async def test_a_store_may_not_be_made_for_somebody_else(shop: Any) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with shop.acting_as("authenticated", uuid4()):
            await shop.run(
                "insert into public.stores (owner_id, subdomain, name) values (%(owner_id)s, 'otra-tienda', 'Otra')"
            )


async def test_the_owner_may_raise_the_extra_credits(shop: Any) -> None:
    """One of production's holes: the host never takes these numbers for proof of payment."""
    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.run("update public.whatsapp_credits set extra_credits = 1000") == 1


async def test_anyone_may_write_a_global_exchange_rate(shop: Any) -> None:
    async with shop.acting_as("anon"):
        written = await shop.run(
            "insert into public.exchange_rates (from_currency, to_currency, rate, source)"
            " values ('USD', 'VES', 0.000001, 'manual')"
        )

        assert written == 1


async def test_staff_changes_subscriptions(shop: Any) -> None:
    staff = uuid4()
    await shop.run("insert into auth.users (id, email) values (%(id)s, 'staff@example.com')", id=staff)
    await shop.run("insert into public.platform_admins (user_id) values (%(id)s)", id=staff)

    async with shop.acting_as("authenticated", staff):
        assert await shop.run("update public.subscriptions set admin_notes = 'x'") == 1
    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.run("update public.subscriptions set admin_notes = 'x'") == 0


async def test_settings_of_the_platform_are_for_the_service_role(shop: Any) -> None:
    await shop.run("insert into public.system_settings (key, value) values ('supabase_url', 'https://x.supabase.co')")

    async with shop.acting_as("authenticated", shop.owner_id):
        assert await shop.value("select count(*) from public.system_settings") == 0


async def test_claims_of_an_empty_string_break_some_policies(shop: Any) -> None:
    """Why claims must be JSON before a role is taken."""
    await shop.run("insert into public.drivers (store_id, name, phone) values (%(store_id)s, 'Juan', '0412')")
    await shop.run("set request.jwt.claims = ''")
    await shop.run("set role authenticated")

    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        await shop.value("select count(*) from public.drivers")


@pytest.mark.parametrize("claims", ["", None], ids=["empty", "unset"])
async def test_without_claims_there_is_no_caller(shop: Any, claims: str | None) -> None:
    async with shop.conn.transaction():
        if claims is not None:
            await shop.conn.execute("set local request.jwt.claims = ''")

        assert await shop.rows("select auth.uid(), auth.role(), auth.jwt()") == [(None, None, None)]


async def test_the_caller_is_read_from_the_claims(shop: Any) -> None:
    async with shop.acting_as("authenticated", shop.owner_id, email="ana@example.com"):
        assert await shop.rows("select auth.uid(), auth.role(), auth.email(), auth.jwt() ->> 'sub'") == [
            (shop.owner_id, "authenticated", "ana@example.com", str(shop.owner_id))
        ]

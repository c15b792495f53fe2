"""The demo store: ready to sell and to send."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.dev import create_demo_store


async def test_it_can_send_whatsapp_messages(shop: Any) -> None:
    assert await shop.value("select public.has_module_enabled(%(store_id)s, 'whatsapp')")
    assert await shop.value(
        "select is_enabled and is_connected from public.whatsapp_settings where store_id = %(store_id)s"
    )
    assert await shop.value("select monthly_credits from public.whatsapp_credits where store_id = %(store_id)s") == 50


async def test_it_has_the_eight_templates_with_the_cancelled_one_switched_off(shop: Any) -> None:
    templates = await shop.rows(
        "select template_type, is_active from public.whatsapp_message_templates where store_id = %(store_id)s"
    )

    assert len(templates) == 8
    assert [name for name, active in templates if not active] == ["order_cancelled"]


async def test_its_prices_are_written_the_venezuelan_way(shop: Any) -> None:
    assert await shop.rows(
        "select currency, thousands_separator, decimal_separator, decimal_places from public.stores"
    ) == [("USD", ".", ",", 2)]


async def test_it_has_a_menu(shop: Any) -> None:
    assert await shop.value("select count(*) from public.menu_items where store_id = %(store_id)s") >= 2


async def test_making_it_twice_gives_the_same_store_unchanged(shop: Any) -> None:
    await shop.run("update public.stores set name = 'Otro nombre' where id = %(store_id)s")

    again = await create_demo_store(shop.conn, owner_id=shop.owner_id, subdomain="arepas-ana", name="Arepas Ana")

    assert again == shop.store_id
    assert await shop.value("select name from public.stores where id = %(store_id)s") == "Otro nombre"


async def test_an_owner_may_have_two(shop: Any) -> None:
    second = await create_demo_store(shop.conn, owner_id=shop.owner_id, subdomain="arepas-ana-2", name="Arepas 2")

    assert second != shop.store_id


async def test_anothers_subdomain_is_refused_without_leaving_a_user(shop: Any) -> None:
    stranger = uuid4()

    with pytest.raises(ConfigurationError, match="another owner"):
        await create_demo_store(
            shop.conn, owner_id=stranger, subdomain="arepas-ana", name="X", owner_email="stranger@example.com"
        )

    assert await shop.value("select count(*) from auth.users where id = %(id)s", id=stranger) == 0


async def test_a_reserved_subdomain_is_refused(base_conn: psycopg.AsyncConnection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="reserved"):
        await create_demo_store(base_conn, owner_id=uuid4(), subdomain="demo", name="X")

"""An operator's grant is made once for each key, in the source that the plugin is paid from; owners see all of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from pideai_host.api import StoreUnknown
from pideai_host.stores.credit_accounts import CreditAccount, CreditAccounts
from pideai_host.stores.credit_grants import GRANT_MAX, CreditGrantRefused, CreditGrants
from pideai_host.stores.credits import DeliveryCredits


@pytest.fixture(params=["whatsapp", "courier"])
def plugin(request) -> str:
    return request.param


@pytest.fixture
def grants(pool) -> CreditGrants:
    return CreditGrants(pool)


@pytest.fixture
def accounts(pool) -> CreditAccounts:
    return CreditAccounts(pool)


@pytest.fixture(autouse=True)
async def nothing(admin_conn, store_id):
    """The store begins with nothing in either source."""
    await admin_conn.execute("update public.whatsapp_credits set monthly_credits = 0, extra_credits = 0")


async def numbers(accounts, store_id, plugin):
    account = await accounts.of_plugin(store_id, plugin)
    return account.monthly, account.extra, account.used, account.available


async def test_extra_credits_are_there_until_they_are_spent(grants, accounts, pool, store_id, plugin):
    entry, is_new = await grants.grant(store_id, plugin, "extra", 5, reference="invoice-1")
    await DeliveryCredits(pool, store_id, plugin, uuid4()).reserve()

    told = (entry.movement, entry.credit_type, entry.amount, entry.available, entry.granted, entry.reference)

    assert (told, is_new) == (("grant", "extra", 5, 5, 5, "invoice-1"), True)
    assert await numbers(accounts, store_id, plugin) == (0, 4, 0, 4)


async def test_monthly_credits_come_with_this_month_too(grants, accounts, store_id, plugin):
    await grants.grant(store_id, plugin, "monthly", 50, reference="plan")

    assert await numbers(accounts, store_id, plugin) == (50, 0, 0, 50)


async def test_a_key_grants_once_however_often_and_from_wherever(grants, accounts, store_id, plugin):
    done = await asyncio.gather(*(grants.grant(store_id, plugin, "extra", 5, reference="k") for _ in range(6)))

    assert sorted(is_new for _, is_new in done) == [False] * 5 + [True]
    assert len({entry.id for entry, _ in done}) == 1
    assert await numbers(accounts, store_id, plugin) == (0, 5, 0, 5)


@pytest.mark.parametrize(("kind", "count"), [("extra", 6), ("monthly", 5)])
async def test_a_key_of_another_grant_is_refused(grants, accounts, store_id, plugin, kind, count):
    await grants.grant(store_id, plugin, "extra", 5, reference="k")

    with pytest.raises(CreditGrantRefused, match="belongs to another grant"):
        await grants.grant(store_id, plugin, kind, count, reference="k")
    assert await numbers(accounts, store_id, plugin) == (0, 5, 0, 5)


async def test_stores_and_plugins_have_keys_of_their_own(grants, store_id, other_store_id, plugin):
    made = [
        await grants.grant(store, slug, "extra", 5, reference="k")
        for store, slug in ((store_id, plugin), (other_store_id, plugin), (store_id, "zebra"))
    ]

    assert [is_new for _, is_new in made] == [True] * 3


async def test_credits_can_be_taken_away_but_no_more_than_there_are(grants, accounts, store_id, plugin):
    await grants.grant(store_id, plugin, "extra", 5, reference="k1")
    await grants.grant(store_id, plugin, "extra", -2, reference="k2")

    with pytest.raises(CreditGrantRefused, match="there are only 3"):
        await grants.grant(store_id, plugin, "extra", -4, reference="k3")
    assert await numbers(accounts, store_id, plugin) == (0, 3, 0, 3)


@pytest.mark.parametrize("count", [0, GRANT_MAX + 1, -GRANT_MAX - 1])
async def test_a_grant_of_nothing_or_beyond_measure_is_refused(grants, store_id, plugin, count):
    with pytest.raises(CreditGrantRefused):
        await grants.grant(store_id, plugin, "extra", count, reference="k")


async def test_more_than_can_be_counted_is_refused(grants, accounts, admin_conn, store_id, plugin):
    await grants.grant(store_id, plugin, "extra", 1, reference="k")
    await admin_conn.execute("update public.whatsapp_credits set extra_credits = 2147483647")
    await admin_conn.execute("update pideai_host.credits set extra_credits = 2147483647")

    with pytest.raises(CreditGrantRefused, match="can be counted"):
        await grants.grant(store_id, plugin, "extra", 1, reference="k2")


@pytest.mark.parametrize("reference", ["", "x" * 201, "a\x00b"])
async def test_a_key_that_is_none_is_refused(grants, store_id, plugin, reference):
    with pytest.raises(CreditGrantRefused):
        await grants.grant(store_id, plugin, "extra", 1, reference=reference)


async def test_an_unknown_store_is_named(grants, accounts, plugin):
    with pytest.raises(StoreUnknown):
        await grants.grant(uuid4(), plugin, "extra", 1, reference="k")


async def test_a_new_month_shows_as_unspent_and_is_in_the_ledger_with_the_next_movement(
    grants, accounts, pool, admin_conn, store_id, plugin
):
    await grants.grant(store_id, plugin, "monthly", 2, reference="plan")
    for _ in range(2):
        await DeliveryCredits(pool, store_id, plugin, uuid4()).reserve()
    spent = await numbers(accounts, store_id, plugin)
    await admin_conn.execute("update public.whatsapp_credits set last_reset_date = last_reset_date - 31")
    await admin_conn.execute("update pideai_host.credits set month = month - interval '1 month'")
    renewed = await numbers(accounts, store_id, plugin)
    await DeliveryCredits(pool, store_id, plugin, uuid4()).reserve()
    ledger = await accounts.ledger(store_id, plugin)

    assert (spent, renewed) == ((2, 0, 2, 0), (2, 0, 0, 2))
    assert [(one.movement, one.amount, one.available) for one in ledger][:2] == [("reserve", -1, 1), ("renew", 2, 2)]


async def test_an_account_tells_when_it_renews_and_what_is_reserved(grants, accounts, pool, store_id, plugin):
    await grants.grant(store_id, plugin, "monthly", 3, reference="plan")
    await DeliveryCredits(pool, store_id, plugin, uuid4()).reserve()
    account = await accounts.of_plugin(store_id, plugin)
    now = datetime.now(UTC)

    assert (account.reserved, account.renews_at.day, account.renews_at.hour) == (1, 1, 0)
    assert now < account.renews_at < now + timedelta(days=32)


async def test_a_store_sees_its_own_accounts_by_plugin(grants, accounts, store_id, other_store_id):
    await grants.grant(store_id, "zebra", "extra", 1, reference="k")
    await grants.grant(store_id, "courier", "extra", 2, reference="k")
    await grants.grant(other_store_id, "other", "extra", 3, reference="k")

    assert [(one.plugin, one.available) for one in await accounts.of_store(store_id)] == [
        ("courier", 2),
        ("whatsapp", 0),
        ("zebra", 1),
    ]


async def test_a_shop_without_whatsapp_has_its_other_accounts(grants, accounts, admin_conn, store_id):
    await grants.grant(store_id, "courier", "extra", 2, reference="k")
    await admin_conn.execute("drop table public.whatsapp_credits cascade")

    assert [one.plugin for one in await accounts.of_store(store_id)] == ["courier"]


async def test_a_plugin_without_an_account_has_nothing(accounts, store_id):
    assert await accounts.of_plugin(store_id, "courier") == CreditAccount(plugin="courier")


async def test_for_whatsapp_the_shops_row_is_made_as_the_shop_makes_it(accounts, admin_conn, store_id):
    await admin_conn.execute("delete from public.whatsapp_credits")

    assert await numbers(accounts, store_id, "whatsapp") == (50, 0, 0, 50)


async def test_a_ledger_is_read_page_by_page_the_newest_first(grants, accounts, store_id, other_store_id, plugin):
    for turn in range(5):
        await grants.grant(store_id, plugin, "extra", turn + 1, reference=f"k{turn}")
        await grants.grant(other_store_id, plugin, "extra", 9, reference=f"k{turn}")
    first = await accounts.ledger(store_id, plugin, limit=3)
    rest = await accounts.ledger(store_id, plugin, before=first[-1].id, limit=3)

    assert [one.granted for one in first + rest] == [5, 4, 3, 2, 1]

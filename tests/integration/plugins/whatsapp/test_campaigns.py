"""Campaigns from the draft to the last message: the job, the worker and the database, with the console as provider."""

import asyncio
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from uuid import uuid4

import pytest
from pideai_whatsapp.campaigns.audience import AudienceKind
from pideai_whatsapp.campaigns.release import message_id_of, release_campaigns
from pideai_whatsapp.campaigns.store import Campaigns, CampaignStatus, NewCampaign, Place
from pideai_whatsapp.errors import CampaignRejected, CampaignUnknown
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.providers.base import MessageRefused
from pideai_whatsapp.sending.opt_outs import opt_out

from pideai_host.db.dev import create_demo_store
from pideai_host.events.outbox import Outbox
from pideai_host.events.plugin_jobs import HostJob
from pideai_host.events.reach import ReachParts
from pideai_host.outgoing.client import make_client
from pideai_host.plugins.call import HookRunner
from pideai_host.stores.calls import StoreCalls
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.database import PluginDatabase
from pideai_host.stores.installations import Installations
from pideai_host.stores.secrets import Sealer


@pytest.fixture
def loaded():
    return {"whatsapp": WhatsAppPlugin()}


@pytest.fixture
def configs():
    return {"whatsapp": {"provider": "console", "campaignsPerMinute": 6}}


@pytest.fixture
async def job(way):
    runner, http = HookRunner(), make_client(allow=(ip_network("127.0.0.0/8"),))
    contexts = ContextFactory(way.pool, http, Sealer([("k1", b"k" * 32)]), {})
    calls = StoreCalls(way.registry, runner, contexts, Installations(way.pool), quarantined={})
    outbox = Outbox(way.pool, way.intake)
    yield HostJob(
        "whatsapp", "release_campaigns", ReachParts(pool=way.pool, http=http, environ={}, calls=calls, outbox=outbox)
    )
    await runner.aclose()
    await http.aclose()


@pytest.fixture
def campaigns(pool, shop):
    return Campaigns(PluginDatabase(pool), shop.store_id)


@pytest.fixture
def turn(job, shop):
    """Let the job have turns, each when its time has come."""

    async def take(count=1):
        for _ in range(count):
            await shop.connection.execute(
                "update pideai_whatsapp.campaigns set next_at = now(), counted_at = null where next_at is not null"
            )
            await release_campaigns(job, chance=lambda: 0.0)

    return take


@pytest.fixture
async def customers(shop):
    """Three people who ordered, one of them twice in another spelling; and a foreign store's customer."""
    for phone, name in (
        ("04141111111", "Ana"),
        ("+58 414 1111111", "Ana"),
        ("04142222222", "Beto"),
        ("04143333333", "Caro"),
        ("hola", "Nadie"),
    ):
        await shop.insert(customer_phone=phone, customer_name=name)
    other = await create_demo_store(shop.connection, owner_id=uuid4(), subdomain="la-ajena", name="Ajena")
    await shop.connection.execute(
        "insert into public.orders (store_id, customer_name, customer_email, customer_phone, total_amount)"
        " values (%s, 'Ajena', 'a@example.com', '04149999999', 1)",
        [other],
    )
    return other


async def make(campaigns, message="Hola {customer_name}, ven a {store_name}", **changes):
    made = await campaigns.create(NewCampaign(name="Promo", message=message, **changes))
    return (await campaigns.schedule(made.id)).id


async def sent(way):
    return await way.rows(
        "select customer_phone, message_content from public.whatsapp_messages"
        " where message_type = 'campaign' order by 1"
    )


async def settled(way, until, count):
    async def enough():
        rows = await way.rows(
            "select 1 from public.whatsapp_messages where message_type = 'campaign' and status <> 'pending'"
        )
        return len(rows) == count

    await until(enough)


async def test_each_customer_of_the_store_gets_it_once_and_the_counters_are_true(
    working, campaigns, turn, customers, until
):
    campaign = await make(campaigns)
    await turn(4)
    await settled(working, until, 3)
    await turn(2)
    done = await campaigns.get(campaign)

    assert await sent(working) == [
        ("+584141111111", "Hola Ana, ven a Arepas"),
        ("+584142222222", "Hola Beto, ven a Arepas"),
        ("+584143333333", "Hola Caro, ven a Arepas"),
    ]
    assert (done.status, done.total, done.sent, done.failed, done.waiting) == (CampaignStatus.COMPLETED, 3, 3, 0, 0)
    assert done.completed_at is not None


async def test_receipts_that_come_after_the_end_are_counted(working, campaigns, turn, customers, until, shop):
    campaign = await make(campaigns)
    await turn(4)
    await settled(working, until, 3)
    await turn(2)
    await shop.connection.execute("update public.whatsapp_messages set status = 'read' where message_type = 'campaign'")
    await turn()
    done = await campaigns.get(campaign)

    assert (done.status, done.sent, done.delivered) == (CampaignStatus.COMPLETED, 3, 3)


async def test_messages_go_by_the_bulk_lane(way, campaigns, turn, customers):
    await make(campaigns)
    await turn(2)

    assert await way.rows("select lane from public.plugin_events_log") == [("pideai_whatsapp__bulk",)]


async def test_a_turn_hands_one_over_and_the_next_is_due_after_the_pause(way, campaigns, job, customers):
    await make(campaigns)
    for _ in range(4):
        await release_campaigns(job, chance=lambda: 0.5)
    [[pause_s]] = await way.rows("select extract(epoch from next_at - now())::float from pideai_whatsapp.campaigns")

    assert len(await sent(way)) == 1
    assert 10.0 < pause_s <= 13.0


async def test_who_opted_out_gets_nothing_also_when_it_was_meanwhile(
    working, campaigns, turn, customers, pool, shop, until
):
    db = PluginDatabase(pool)
    await opt_out(db, shop.store_id, "+584142222222", by="customer")
    campaign = await make(campaigns)
    await turn()
    await opt_out(db, shop.store_id, "+584143333333", by="customer")
    await turn(3)
    await settled(working, until, 1)
    await turn(2)
    done = await campaigns.get(campaign)

    assert [phone for phone, _ in await sent(working)] == ["+584141111111"]
    assert (done.status, done.total, done.sent, done.dropped) == (CampaignStatus.COMPLETED, 2, 1, 1)


async def test_a_crash_after_the_event_sends_nothing_twice(working, campaigns, turn, customers, until, shop):
    campaign = await make(campaigns)
    await turn(2)
    await shop.connection.execute(
        "update pideai_whatsapp.campaign_recipients set state = 'waiting', message_id = null, handed_at = null"
    )
    await turn(4)
    await settled(working, until, 3)
    await turn(2)

    assert len(await sent(working)) == 3
    assert len(await working.rows("select 1 from public.plugin_events_log")) == 3
    assert (await campaigns.get(campaign)).sent == 3


async def test_two_leaders_at_once_hand_each_over_once(working, campaigns, job, turn, customers, until):
    await make(campaigns)
    await turn()
    for _ in range(4):
        await working.rows("update pideai_whatsapp.campaigns set next_at = now() returning 1")
        await asyncio.gather(*(release_campaigns(job, chance=lambda: 0.0) for _ in range(3)))
    await settled(working, until, 3)

    assert len(await working.rows("select 1 from public.plugin_events_log")) == 3


async def test_it_rests_and_goes_on(way, campaigns, turn, customers):
    campaign = await make(campaigns)
    await turn(2)
    paused = await campaigns.pause(campaign)
    await turn(3)
    resting = len(await sent(way))
    resumed = await campaigns.resume(campaign)
    await turn(3)

    assert (paused.status, paused.pause_reason, resting) == (CampaignStatus.PAUSED, "owner", 1)
    assert (resumed.status, len(await sent(way))) == (CampaignStatus.SENDING, 3)


async def test_a_cancelled_one_sends_no_more(way, campaigns, turn, customers):
    campaign = await make(campaigns)
    await turn(2)
    cancelled = await campaigns.cancel(campaign)
    await turn(3)

    assert (cancelled.status, cancelled.waiting, cancelled.dropped, len(await sent(way))) == (
        CampaignStatus.CANCELLED,
        0,
        2,
        1,
    )


async def test_without_credits_it_rests_with_one_notice_and_fails_nobody(
    working, campaigns, turn, customers, shop, until
):
    campaign = await make(campaigns)
    await shop.connection.execute("update public.whatsapp_credits set monthly_credits = 1, extra_credits = 0")
    await turn(2)
    await settled(working, until, 1)
    await turn(4)
    resting = await campaigns.get(campaign)
    notices = await working.rows("select message from pideai_host.notices")
    await shop.connection.execute("update public.whatsapp_credits set extra_credits = 10")
    await campaigns.resume(campaign)
    await turn(3)
    await settled(working, until, 3)

    assert (resting.status, resting.pause_reason, resting.failed) == (CampaignStatus.PAUSED, "no_credits", 0)
    assert ["no quedan créditos" in message for (message,) in notices] == [True]
    assert len(await sent(working)) == 3


async def test_when_nearly_all_fail_it_rests_with_one_notice(way, campaigns, turn, shop):
    for n in range(14):
        await shop.insert(customer_phone=f"041412345{n:02}", customer_name="Ana")
    campaign = await make(campaigns)
    for _ in range(14):
        await turn()
        await shop.connection.execute("update public.whatsapp_messages set status = 'failed'")
    resting = await campaigns.get(campaign)
    notices = await way.rows("select message from pideai_host.notices")

    assert (resting.status, resting.pause_reason, len(await sent(way))) == (CampaignStatus.PAUSED, "failing", 10)
    assert ["casi todos" in message for (message,) in notices] == [True]


async def test_it_waits_for_a_phone_that_is_not_linked(way, campaigns, turn, customers, shop):
    await shop.connection.execute("""update public.store_plugins set config = '{"provider": "evolution"}'""")
    await shop.connection.execute("update public.whatsapp_settings set is_connected = false")
    campaign = await make(campaigns)
    await turn(3)

    assert ((await campaigns.get(campaign)).held, await sent(way)) == ("not_connected", [])


async def test_the_backlog_is_bounded(way, campaigns, turn, shop):
    for n in range(9):
        await shop.insert(customer_phone=f"041412345{n:02}", customer_name="Ana")
    campaign = await make(campaigns)
    await turn(9)

    assert (len(await sent(way)), (await campaigns.get(campaign)).held) == (5, "backlog")


async def test_of_two_campaigns_of_a_store_one_has_its_turn(way, campaigns, turn, customers):
    first, second = await make(campaigns), await make(campaigns)
    await turn(3)
    states = {(await campaigns.get(one)).status for one in (first, second)}
    counts = await way.rows("select count(*) from public.whatsapp_messages group by campaign_id")

    assert (states, len(counts)) == ({CampaignStatus.SENDING, CampaignStatus.SCHEDULED}, 1)


async def test_what_the_old_panel_left_scheduled_or_sending_long_ago_is_not_begun(
    way, campaigns, turn, customers, shop
):
    await shop.connection.execute(
        """insert into public.whatsapp_campaigns (store_id, name, message_body, status, scheduled_at)
           values (%(s)s, 'a', 'Hola', 'scheduled', now() - interval '3 months'),
                  (%(s)s, 'b', 'Hola', 'sending', now())""",
        {"s": shop.store_id},
    )
    await turn(3)

    assert await sent(way) == []


async def test_what_the_panel_schedules_in_its_table_is_begun(way, campaigns, turn, customers, shop):
    await shop.connection.execute(
        """insert into public.whatsapp_campaigns (store_id, name, message_body, status, scheduled_at)
           values (%s, 'a', 'Hola', 'scheduled', now() - interval '1 minute')""",
        [shop.store_id],
    )
    await turn(2)

    assert len(await sent(way)) == 1


async def test_a_store_that_rests_is_left_alone(way, campaigns, turn, customers, shop):
    campaign = await make(campaigns)
    await shop.connection.execute("update public.store_plugins set enabled = false")
    await turn(2)

    assert ((await campaigns.get(campaign)).held, await sent(way)) == ("off", [])


async def test_it_begins_when_its_time_has_come(way, campaigns, turn, customers):
    made = await campaigns.create(NewCampaign(name="Promo", message="Hola"))
    await campaigns.schedule(made.id, datetime.now(UTC) + timedelta(hours=1))
    await turn(2)

    assert ((await campaigns.get(made.id)).status, await sent(way)) == (CampaignStatus.SCHEDULED, [])


async def test_another_stores_campaign_is_unknown(campaigns, customers, pool):
    theirs = Campaigns(PluginDatabase(pool), customers)
    campaign = await make(campaigns)

    for act in (theirs.get, theirs.schedule, theirs.pause, theirs.resume, theirs.cancel):
        with pytest.raises(CampaignUnknown):
            await act(campaign)
    assert ([one.id for one in await campaigns.page()], await theirs.page()) == ([campaign], [])


async def test_where_it_cannot_be_moved_is_said(campaigns):
    made = await campaigns.create(NewCampaign(name="Promo", message="Hola"))
    with pytest.raises(CampaignRejected):
        await campaigns.pause(made.id)
    await campaigns.cancel(made.id)
    for act in (campaigns.schedule, campaigns.resume, campaigns.cancel):
        with pytest.raises(CampaignRejected):
            await act(made.id)


@pytest.mark.parametrize("message", ["", "   ", "x" * 1025, "Hola {order_total}"])
async def test_a_text_that_cannot_be_kept_is_refused(campaigns, message):
    with pytest.raises(CampaignRejected):
        await campaigns.create(NewCampaign(name="Promo", message=message))


async def test_a_picture_has_to_be_where_anyone_can_see_it(campaigns):
    with pytest.raises(MessageRefused):
        await campaigns.create(NewCampaign(name="Promo", message="Hola", image_url="http://10.0.0.1/a.png"))


async def test_pages_go_on_where_the_last_one_ended(campaigns):
    made = [(await campaigns.create(NewCampaign(name=str(n), message="Hola"))).id for n in range(5)]
    first = await campaigns.page(limit=2)
    second = await campaigns.page(limit=9, before=Place(first[-1].created_at, first[-1].id))

    assert [one.id for one in (*first, *second)] == made[::-1]


def test_a_recipients_message_has_one_id():
    campaign = uuid4()

    assert message_id_of(campaign, "1") == message_id_of(campaign, "1") != message_id_of(campaign, "2")


def test_audiences_are_those_of_the_table():
    assert [kind.value for kind in AudienceKind] == ["all", "recent_customers", "inactive_customers"]

"""What becomes of messages: from an order to its being read, whatever the provider loses, repeats or mixes up."""

import json
from uuid import uuid4

import pytest
from pideai_whatsapp.providers.signals import Progress, moves_to

from whatsapp_fakes.evolution import Canned

SUBDOMAIN = "arepas-probe"
CUSTOMER = "584141234567"


async def place(way, shop, **columns):
    order_id, body = await shop.insert(**columns)
    await shop.add_items(order_id)
    await way.door.receive(body)
    return order_id


async def listed(panel, **params):
    return (await panel.whatsapp("GET", "/messages", params=params)).json()


async def test_an_order_becomes_a_message_that_is_delivered_and_read(worker, shop, linked, panel, until):
    order_id = await place(worker, shop)
    await worker.done()
    await linked.poster.settled()
    [sent] = linked.sent
    seen = []
    for status in ("SERVER_ACK", "DELIVERY_ACK", "READ"):
        linked.progress(sent.message_id, status)
        await linked.poster.settled()
        seen.append((await listed(panel))["items"][0]["status"])
    page = await listed(panel)

    [message] = page["items"]
    assert seen == ["sent", "delivered", "read"]
    assert (message["order_id"], message["customer_phone"]) == (str(order_id), f"+{CUSTOMER}")
    assert (message["provider"], message["provider_message_id"]) == ("evolution", sent.message_id)
    assert None not in (message["sent_at"], message["delivered_at"], message["read_at"])
    assert page["counts"] == page["month"] == {
        "total": 1, "pending": 0, "sent": 0, "delivered": 0, "read": 1, "failed": 0,
    }  # fmt: skip


async def test_the_operators_keys_are_in_no_table(worker, shop, linked, panel, operator):
    await place(worker, shop)
    await worker.done()
    await linked.poster.settled()

    async def tables_with(word):
        tables = await shop.connection.execute(
            """select format('%I.%I', schemaname, tablename) from pg_tables
            where schemaname not in ('pg_catalog', 'information_schema')"""
        )
        found = []
        for [table] in await tables.fetchall():
            rows = await shop.connection.execute(
                f"select 1 from {table} t where strpos(t::text, %s) > 0 limit 1", [word]
            )
            found += [table] * rows.rowcount
        return found

    assert "public.whatsapp_messages" in await tables_with(CUSTOMER)
    assert [await tables_with(key) for name, key in operator.items() if name.endswith("_KEY")] == [[], []]


async def test_receipts_that_come_backwards_and_twice_leave_it_read(worker, shop, linked, panel):
    await place(worker, shop)
    await worker.done()
    linked.poster.copies = 2
    for status in ("READ", "SERVER_ACK", "DELIVERY_ACK", "ERROR"):
        linked.progress(linked.sent[0].message_id, status)
        await linked.poster.settled()

    [message] = (await listed(panel))["items"]
    assert (message["status"], message["error_message"]) == ("read", None)


async def test_a_message_that_whatsapp_does_not_deliver_fails_visibly(worker, shop, linked, panel):
    await place(worker, shop)
    await worker.done()
    linked.progress(linked.sent[0].message_id, "ERROR")
    await linked.poster.settled()

    [message] = (await listed(panel))["items"]
    assert (message["status"], message["error_message"]) == ("failed", "WhatsApp no entregó el mensaje.")


async def test_an_order_that_comes_before_the_phone_is_linked_goes_out_when_it_is(
    worker, shop, panel, evolution, until
):
    await place(worker, shop)

    async def waits():
        return await worker.rows("select 1 from public.plugin_events_log where park_reason = 'wait'")

    await until(waits)
    await panel.whatsapp("POST", "/connect")
    evolution.scan(SUBDOMAIN, "584121234567")
    await evolution.poster.settled()
    [[status, attempts, _]] = await worker.done()

    assert (status, attempts, len(evolution.sent)) == ("delivered", 1, 1)


async def test_an_order_that_waits_beyond_the_limit_fails_in_the_owners_log_and_costs_nothing(
    worker, shop, panel, evolution, until
):
    await place(worker, shop)

    async def waits():
        return await worker.rows("select 1 from public.plugin_events_log where park_reason = 'wait'")

    await until(waits)
    await shop.connection.execute(
        """update public.plugin_events_log
        set waiting_since = now() - interval '2 hours 1 second', next_attempt_at = now()"""
    )
    await worker.done()
    answer = await panel.ask("GET", "/deliveries", params={"plugin": "whatsapp"})
    [[used]] = await worker.rows("select coalesce(sum(credits_used_this_month), 0)::int from public.whatsapp_credits")

    [one] = answer.json()["items"]
    assert (one["status"], one["error"].split(":")[0], used, evolution.sent) == ("failed", "waited too long", 0, [])


@pytest.fixture
async def lost(worker, shop, linked):
    """A message that the provider took, and whose answer was lost."""
    linked.canned.append(Canned(drops=True))
    await place(worker, shop)
    await worker.done()
    [[message_id, text]] = await worker.rows("select id, message_content from public.whatsapp_messages")
    return message_id, text


async def statuses(worker):
    [[delivery, state, message]] = await worker.rows(
        """select d.status, s.state, m.status from public.plugin_events_log d
        join pideai_whatsapp.sends s on s.delivery_id = d.id join public.whatsapp_messages m on m.id = s.message_id"""
    )
    return delivery, state, message


def echo(text, provider_id="3EB0LOST", digits=CUSTOMER):
    return {
        "key": {"remoteJid": f"{digits}@s.whatsapp.net", "fromMe": True, "id": provider_id},
        "status": "PENDING",
        "message": {"conversation": text},
        "messageType": "conversation",
    }


async def test_a_lost_answer_is_settled_by_what_the_provider_says_of_the_message(worker, linked, lost, panel):
    doubtful = (await statuses(worker), (await listed(panel))["items"][0]["is_in_doubt"])
    linked.report(SUBDOMAIN, "send.message", echo(lost[1]))
    await linked.poster.settled()
    found = await statuses(worker)
    linked.report(
        SUBDOMAIN, "messages.update", {"keyId": "3EB0LOST", "fromMe": True, "status": "READ", "remoteJid": "x"}
    )
    await linked.poster.settled()

    assert doubtful == (("unknown", "unknown", "pending"), True)
    assert found == ("delivered", "accepted", "sent")
    assert await statuses(worker) == ("delivered", "accepted", "read")


async def test_what_is_said_of_another_message_settles_nothing(worker, linked, lost):
    linked.report(SUBDOMAIN, "send.message", echo(lost[1] + "!"))
    linked.report(SUBDOMAIN, "send.message", echo(lost[1], digits="584149999999"))
    await linked.poster.settled()

    assert await statuses(worker) == ("unknown", "unknown", "pending")


async def test_what_the_provider_says_before_the_answer_is_known_to_be_lost_counts(worker, shop, linked, until):
    """The word comes while the request still hangs: when its time is over, the message is known to be sent."""
    linked.canned.append(Canned(hangs=True))
    await place(worker, shop)
    await linked.hanging.wait()
    [[text]] = await worker.rows("select message_content from public.whatsapp_messages")
    linked.report(SUBDOMAIN, "send.message", echo(text))
    await linked.poster.settled()
    linked.let_go()
    await worker.done()

    assert await statuses(worker) == ("delivered", "accepted", "sent")


async def test_a_receipt_of_a_message_that_is_not_known_is_taken_and_changes_nothing(linked, panel, worker):
    linked.report(SUBDOMAIN, "messages.update", {"keyId": "3EB0NONE", "status": "READ", "fromMe": True})
    await linked.poster.settled()

    assert linked.poster.attempts[-1].status == 200
    assert (await listed(panel))["items"] == []


async def test_customers_who_answer_baja_and_alta_are_heard_once(linked, panel, way):
    linked.poster.copies = 2
    linked.write(SUBDOMAIN, CUSTOMER, "Baja, por favor")
    await linked.poster.settled()
    out = (await panel.whatsapp("GET", "/opt-outs")).json()["items"]
    first = linked.poster.attempts[-1].body
    linked.write(SUBDOMAIN, CUSTOMER, "ALTA")
    await linked.poster.settled()
    again = json.loads(first)
    linked.report(SUBDOMAIN, "messages.upsert", again["data"])  # the first one comes once more, late
    await linked.poster.settled()

    assert [(one["phone"], one["by"]) for one in out] == [(f"+{CUSTOMER}", "customer")]
    assert (await panel.whatsapp("GET", "/opt-outs")).json()["items"] == []


@pytest.mark.parametrize(("first", "then", "is_out"), [("BAJA", "ALTA", False), ("ALTA", "BAJA", True)])
async def test_what_a_customer_wrote_last_counts_whatever_comes_first(linked, panel, first, then, is_out):
    linked.poster.is_held = True
    linked.write(SUBDOMAIN, CUSTOMER, first)
    linked.write(SUBDOMAIN, CUSTOMER, then)
    linked.poster._held.reverse()
    for one in (linked.poster._held.pop(0), linked.poster._held.pop(0)):
        linked.poster.is_held = False
        linked.poster.post(*one)
        await linked.poster.settled()

    assert bool((await panel.whatsapp("GET", "/opt-outs")).json()["items"]) is is_out


async def test_what_a_customer_wrote_before_the_owner_decided_changes_nothing(linked, panel):
    await panel.whatsapp("POST", "/opt-outs", json={"phone": f"+{CUSTOMER}"})
    linked.write(SUBDOMAIN, CUSTOMER, "ALTA")
    await linked.poster.settled()

    assert [one["by"] for one in (await panel.whatsapp("GET", "/opt-outs")).json()["items"]] == ["owner"]


WORDS = {
    Progress.ACCEPTED: "PENDING",
    Progress.SENT: "SERVER_ACK",
    Progress.DELIVERED: "DELIVERY_ACK",
    Progress.READ: "READ",
    Progress.FAILED: "ERROR",
}


async def test_the_statement_moves_as_the_scale_says(linked, way, shop, panel):
    """Every step from one place of the scale to another, each with a message of its own."""
    steps = [(old, new) for old in Progress for new in Progress]
    status = {old: "pending" if old is Progress.ACCEPTED else old.value for old in Progress}
    for old, new in steps:
        message_id, provider_id = uuid4(), f"P-{old}-{new}"
        await shop.connection.execute(
            """insert into public.whatsapp_messages
                 (id, store_id, customer_phone, message_type, message_content, status)
            values (%s, %s, '+584141234567', 'manual', %s, %s)""",
            (message_id, shop.store_id, provider_id, status[old]),
        )
        await shop.connection.execute(
            """insert into pideai_whatsapp.sends
                 (message_id, store_id, kind, phone, text_sha256, provider, provider_message_id, state)
            values (%s, %s, 'manual', '+584141234567', sha256('Hola'), 'evolution', %s, 'accepted')""",
            (message_id, shop.store_id, provider_id),
        )
        linked.report(SUBDOMAIN, "messages.update", {"keyId": provider_id, "status": WORDS[new], "fromMe": True})
    await linked.poster.settled()
    now = dict(await way.rows("select message_content, status from public.whatsapp_messages"))

    assert now == {f"P-{old}-{new}": new.value if moves_to(old, new) else status[old] for old, new in steps}


async def test_a_store_whose_instance_is_anothers_sends_nothing_through_it(worker, shop, linked):
    """A store that took a new name finds an instance of that name, which another one linked."""
    await shop.connection.execute("update pideai_whatsapp.instances set store_id = gen_random_uuid()")
    await place(worker, shop)
    [[status, _, error]] = await worker.done()

    assert (status, "otra tienda" in error, linked.sent) == ("failed", True, [])

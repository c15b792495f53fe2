"""What the panel asks for besides linking: messages by hand, their list, credits, templates, opt-outs, switches."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

SUBDOMAIN = "arepas-probe"
CUSTOMER = "+584141234567"


REFUSED = [
    ({"customer_phone": "hola", "text": "x"}, "phone_unusable"),
    ({"customer_phone": CUSTOMER, "text": "  "}, "message_rejected"),
    ({"customer_phone": CUSTOMER, "text": "x", "order_id": str(uuid4())}, "message_rejected"),
    ({"customer_phone": CUSTOMER, "image_url": "http://127.0.0.1/x.jpg"}, "message_rejected"),
    ({"customer_phone": CUSTOMER, "message_type": "promotion"}, "message_rejected"),
]
FILTERS = [
    ({"status": ["read", "failed"]}, 3),
    ({"message_type": "campaign"}, 2),
    ({"phone": "0414-9999999"}, 2),
    ({"phone": "0414-8888888"}, 0),
    ({"phone": "9999999"}, 2),
    ({"phone": "+58 414 999 9999"}, 2),
    ({"since": "2000-01-01T00:00:00Z", "until": "2000-01-02T00:00:00Z"}, 0),
    ({"order_id": str(uuid4())}, 0),
    ({}, 6),
]
NO_FILTERS = [
    {"cursor": "x"},
    {"cursor": "%%%"},
    {"limit": 0},
    {"phone": "hola"},
    {"since": "2026-01-01T00:00:00"},
    {"status": "gone"},
]


async def seed(shop, count, *, status="sent", kind="manual", phone=CUSTOMER, at=None):
    start = at or datetime.now(UTC)
    for n in range(count):
        await shop.connection.execute(
            """insert into public.whatsapp_messages
                 (store_id, customer_phone, message_type, message_content, status, created_at)
            values (%s, %s, %s, %s, %s, %s)""",
            (shop.store_id, phone, kind, f"{status} {n}", status, start - timedelta(seconds=n)),
        )


class TestSend:
    async def test_a_text_goes_out_and_is_listed(self, linked, worker, panel):
        answer = await panel.whatsapp(
            "POST", "/send", json={"customer_phone": "0414-1234567", "customer_name": "Ana", "text": "¡Hola, Ana!"}
        )
        await worker.done()
        [message] = (await panel.whatsapp("GET", "/messages")).json()["items"]

        assert (answer.status_code, answer.json()["status"]) == (202, "pending")
        assert [(one.number, one.text) for one in linked.sent] == [("584141234567", "¡Hola, Ana!")]
        assert (message["id"], message["status"], message["message_type"]) == (answer.json()["id"], "sent", "manual")

    async def test_a_picture_goes_with_its_caption(self, linked, worker, panel):
        body = {"customer_phone": CUSTOMER, "text": "El menú", "image_url": "https://example.com/menu.jpg"}
        await panel.whatsapp("POST", "/send", json=body)
        await worker.done()

        assert [(one.text, one.media) for one in linked.sent] == [("El menú", "https://example.com/menu.jpg")]

    async def test_a_template_goes_with_its_variables(self, linked, worker, panel):
        body = {
            "customer_phone": CUSTOMER,
            "message_type": "promotion",
            "variables": {"promotion_message": "2x1 en arepas"},
        }
        answer = await panel.whatsapp("POST", "/send", json=body)
        await worker.done()

        assert answer.status_code == 202, answer.text
        assert "2x1 en arepas" in linked.sent[0].text

    async def test_sent_again_under_its_key_it_goes_once(self, linked, worker, panel):
        body = {"customer_phone": CUSTOMER, "text": "Hola"}
        answers = [
            await panel.whatsapp("POST", "/send", json=body, headers={"idempotency-key": "k-1"}) for _ in range(3)
        ]
        await worker.done()
        other = await panel.whatsapp("POST", "/send", json=body, headers={"idempotency-key": "k-2"})
        await worker.done(2)

        assert len({one.json()["id"] for one in answers}) == 1
        assert other.json()["id"] != answers[0].json()["id"]
        assert len(linked.sent) == 2

    async def test_what_can_never_go_out_is_refused_at_once(self, linked, panel):
        answers = [await panel.whatsapp("POST", "/send", json=body) for body, _ in REFUSED]

        assert [(one.status_code, one.json()["code"], one.json()["reason"]) for one in answers] == [
            (422, "plugin_signal", reason) for _, reason in REFUSED
        ]
        assert (await panel.whatsapp("GET", "/messages")).json()["items"] == []

    async def test_what_is_no_message_is_refused(self, panel):
        bodies = [{}, {"customer_phone": 5}, {"customer_phone": CUSTOMER, "unknown": 1}]
        answers = [await panel.whatsapp("POST", "/send", json=body) for body in bodies]

        assert [one.json()["code"] for one in answers] == ["body_rejected"] * 3

    async def test_who_opted_out_gets_no_promotion_and_still_what_is_written_by_hand(self, linked, worker, panel):
        await panel.whatsapp("POST", "/opt-outs", json={"phone": CUSTOMER})
        body = {"customer_phone": CUSTOMER, "message_type": "promotion", "variables": {"promotion_message": "2x1"}}
        promotion = await panel.whatsapp("POST", "/send", json=body)
        by_hand = await panel.whatsapp("POST", "/send", json={"customer_phone": CUSTOMER, "text": "Hola"})
        await worker.done()

        assert (promotion.json()["reason"], by_hand.status_code, len(linked.sent)) == ("message_rejected", 202, 1)


class TestMessages:
    async def test_pages_hold_each_message_once(self, panel, shop):
        await seed(shop, 25)
        seen, cursor = [], None
        while True:
            params = {"limit": 10} | ({} if cursor is None else {"cursor": cursor})
            page = (await panel.whatsapp("GET", "/messages", params=params)).json()
            seen += [one["message_content"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        assert seen == [f"sent {n}" for n in range(25)]

    async def test_counts_are_of_the_page_and_of_the_month(self, panel, shop):
        await seed(shop, 3)
        await seed(shop, 2, status="failed")
        await seed(shop, 4, status="read", at=datetime.now(UTC) - timedelta(days=62))
        page = (await panel.whatsapp("GET", "/messages", params={"status": "failed"})).json()

        empty = {"pending": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0}
        assert page["counts"] == {**empty, "total": 2, "failed": 2}
        assert page["month"] == {**empty, "total": 5, "sent": 3, "failed": 2}

    async def test_filters(self, panel, shop):
        await seed(shop, 3)
        await seed(shop, 1, status="read")
        await seed(shop, 2, status="failed", kind="campaign", phone="+584149999999")
        pages = [(await panel.whatsapp("GET", "/messages", params=params)).json() for params, _ in FILTERS]

        assert [len(page["items"]) for page in pages] == [found for _, found in FILTERS]

    async def test_what_is_no_filter_is_refused(self, panel):
        answers = [await panel.whatsapp("GET", "/messages", params=params) for params in NO_FILTERS]

        assert {one.status_code for one in answers} == {400}
        assert {one.json()["code"] for one in answers} <= {"bad_request", "plugin_refused"}

    async def test_a_fault_names_the_parameter(self, panel):
        answer = await panel.whatsapp("GET", "/messages", params={"status": "gone"})

        assert {one["pointer"].split("/")[1] for one in answer.json()["faults"]} == {"status"}

    async def test_another_stores_messages_are_not_listed(self, panel, shop, host):
        other = await host.new_store()
        await shop.connection.execute(
            """insert into public.whatsapp_messages (store_id, customer_phone, message_type, message_content)
            values (%s, %s, 'manual', 'secreto')""",
            (other, CUSTOMER),
        )
        page = (await panel.whatsapp("GET", "/messages")).json()

        assert (page["items"], page["month"]["total"]) == ([], 0)


class TestCredits:
    async def test_a_store_that_spent_some(self, panel, shop):
        await shop.connection.execute(
            """update public.whatsapp_credits set monthly_credits = 50, extra_credits = 5, credits_used_this_month = 48,
            last_reset_date = current_date where store_id = %s""",
            (shop.store_id,),
        )
        found = (await panel.whatsapp("GET", "/credits")).json()

        assert found | {"renews_on": ""} == {
            "monthly_credits": 50,
            "extra_credits": 5,
            "credits_used": 48,
            "credits_available": 7,
            "renews_on": "",
        }

    async def test_a_month_that_began_counts_as_begun_and_no_row_as_the_shop_would_give(self, panel, shop):
        await shop.connection.execute(
            """update public.whatsapp_credits set credits_used_this_month = 48, last_reset_date = '2020-01-01'
            where store_id = %s""",
            (shop.store_id,),
        )
        renewed = (await panel.whatsapp("GET", "/credits")).json()
        await shop.connection.execute("delete from public.whatsapp_credits")
        new = (await panel.whatsapp("GET", "/credits")).json()

        assert (renewed["credits_used"], new["credits_available"]) == (0, 50)


class TestTemplates:
    async def test_all_eight_are_listed_with_their_tokens(self, panel):
        items = (await panel.whatsapp("GET", "/templates")).json()["items"]

        assert len(items) == 8
        assert {"name", "meaning", "example"} == items[0]["tokens"][0].keys()

    async def test_a_text_is_changed_and_switched(self, panel):
        answer = await panel.whatsapp(
            "PUT", "/templates/order_ready", json={"message_body": "Listo, {customer_name}", "is_active": False}
        )
        items = (await panel.whatsapp("GET", "/templates")).json()["items"]
        [one] = [one for one in items if one["template_type"] == "order_ready"]

        assert answer.status_code == 200
        assert (one["message_body"], one["is_active"], one["is_own"]) == ("Listo, {customer_name}", False, True)

    async def test_an_unknown_token_is_refused_with_those_that_are_known(self, panel):
        answer = await panel.whatsapp("PUT", "/templates/order_ready", json={"message_body": "Hola {nombre}"})
        problem = answer.json()

        assert (answer.status_code, problem["reason"]) == (422, "template_rejected")
        assert "{nombre}" in problem["detail"]
        assert "{customer_name}" in problem["hint"]

    @pytest.mark.parametrize("kind", ["manual", "nonsense"])
    async def test_a_kind_without_a_template_is_refused(self, panel, kind):
        assert (await panel.whatsapp("PUT", f"/templates/{kind}", json={"is_active": True})).status_code in (
            400,
            404,
            422,
        )

    async def test_a_preview_reads_as_a_customer_would_and_keeps_nothing(self, panel):
        answer = await panel.whatsapp(
            "POST", "/templates/order_ready/preview", json={"message_body": "Hola {customer_name} {nombre}"}
        )
        current = await panel.whatsapp("POST", "/templates/order_ready/preview")

        assert (answer.json()["text"], answer.json()["unknown_tokens"]) == ("Hola Ana Pérez {nombre}", ["nombre"])
        assert (current.status_code, current.json()["unknown_tokens"]) == (200, [])


class TestOptOuts:
    async def test_added_listed_and_taken_off(self, panel):
        added = await panel.whatsapp("POST", "/opt-outs", json={"phone": "0414-1234567"})
        listed = (await panel.whatsapp("GET", "/opt-outs")).json()
        removed = await panel.whatsapp("DELETE", f"/opt-outs/{CUSTOMER}")

        assert (added.status_code, removed.status_code) == (204, 204)
        assert [(one["phone"], one["by"]) for one in listed["items"]] == [(CUSTOMER, "owner")]
        assert (await panel.whatsapp("GET", "/opt-outs")).json() == {"items": [], "next_cursor": None}

    async def test_pages_hold_each_once(self, panel):
        for n in range(5):
            await panel.whatsapp("POST", "/opt-outs", json={"phone": f"0414-123456{n}"})
        first = (await panel.whatsapp("GET", "/opt-outs", params={"limit": 3})).json()
        second = (await panel.whatsapp("GET", "/opt-outs", params={"limit": 3, "cursor": first["next_cursor"]})).json()

        phones = [one["phone"] for one in first["items"] + second["items"]]
        assert (len(set(phones)), second["next_cursor"]) == (5, None)


class TestSettings:
    async def test_the_panels_switches_are_shown_and_changed(self, panel, way):
        before = (await panel.whatsapp("GET", "/settings")).json()
        answer = await panel.whatsapp(
            "PATCH", "/settings", json={"auto_order_ready": False, "abandoned_cart_delay_minutes": 45}
        )
        after = answer.json()

        assert (before["auto_order_ready"], after["auto_order_ready"]) == (True, False)
        assert (after["abandoned_cart_delay_minutes"], after["auto_order_delivered"]) == (45, True)
        assert not {"evolution_api_key", "evolution_api_url"} & after.keys()
        assert (False, 45) in await way.rows(
            "select auto_order_ready, abandoned_cart_delay_minutes from public.whatsapp_settings"
        )

    async def test_what_the_configuration_sets_is_shown_and_not_changed_here(self, panel, shop):
        await shop.connection.execute(
            """update public.store_plugins set config = '{"provider": "evolution", "autoOrderReady": false}'
            where store_id = %s""",
            (shop.store_id,),
        )
        shown = (await panel.whatsapp("GET", "/settings")).json()
        refused = await panel.whatsapp("PATCH", "/settings", json={"auto_order_ready": True})

        assert (shown["auto_order_ready"], shown["fixed"]) == (False, ["auto_order_ready"])
        assert (refused.status_code, refused.json()["reason"]) == (422, "switch_fixed")

"""Linking a store's phone from the panel: codes, webhooks in whatever order, unlinking, and nobody else's business."""

import asyncio
from uuid import uuid4

SUBDOMAIN = "arepas-probe"
PHONE = "584121234567"


async def test_connecting_makes_the_instance_with_its_webhook_and_shows_a_code(panel, evolution, host):
    answer = await panel.whatsapp("POST", "/connect")
    await evolution.poster.settled()
    shown = await panel.status()

    hook = evolution.instances[SUBDOMAIN].webhook
    assert (answer.status_code, answer.json()["state"]) == (200, "connecting")
    assert hook["url"].endswith(f"/webhooks/plugins/whatsapp/{panel.store_id}")
    assert shown["qr"]["image"].startswith("data:image/png;base64,")
    assert shown["qr"]["code"] == evolution.instances[SUBDOMAIN].code


async def test_a_phone_that_was_linked_before_reports_here_from_the_first_connect_on(panel, evolution, shop):
    evolution.states[SUBDOMAIN] = "open"
    await shop.connection.execute(
        "update public.whatsapp_settings set is_connected = true, connected_phone = %s", [PHONE]
    )
    before = await panel.status()
    answer = await panel.whatsapp("POST", "/connect")

    assert (before["state"], before["connected_phone"]) == ("open", f"+{PHONE}")
    assert (answer.json()["state"], answer.json()["connected_phone"]) == ("open", f"+{PHONE}")
    assert str(panel.store_id) in evolution.instances[SUBDOMAIN].webhook["url"]


async def test_a_number_brings_a_code_to_type(panel, evolution):
    await panel.whatsapp("POST", "/connect", json={"phone": "0412-1234567"})
    await evolution.poster.settled()

    assert evolution.instances[SUBDOMAIN].number == PHONE
    assert (await panel.status())["qr"]["pairing_code"] == "PAIR0001"


async def test_a_number_that_cannot_be_one_is_refused_in_words(panel, evolution):
    answer = await panel.whatsapp("POST", "/connect", json={"phone": "123"})

    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
        422,
        "plugin_signal",
        "phone_unusable",
    )
    assert evolution.calls == []


async def test_connecting_again_is_harmless_and_asks_the_provider_no_more_while_a_code_is_fresh(panel, evolution):
    await panel.whatsapp("POST", "/connect")
    await evolution.poster.settled()
    calls = list(evolution.calls)
    again = await panel.whatsapp("POST", "/connect")

    assert (again.json()["state"], evolution.calls) == ("connecting", calls)


async def test_each_new_code_is_shown_and_gone_when_the_phone_is_linked(panel, evolution, shop, way):
    await panel.whatsapp("POST", "/connect")
    second = evolution.bring_code(SUBDOMAIN)
    await evolution.poster.settled()
    shown = await panel.status()
    evolution.scan(SUBDOMAIN, PHONE)
    await evolution.poster.settled()
    linked = await panel.status()
    settings = await way.rows("select is_connected, connected_phone from public.whatsapp_settings")

    assert shown["qr"]["code"] == second
    assert (linked["state"], linked["is_connected"], linked["connected_phone"], linked["qr"]) == (
        "open",
        True,
        f"+{PHONE}",
        None,
    )
    assert (True, PHONE) in settings


async def test_nobody_who_scans_ends_in_refused_and_connect_begins_anew(panel, evolution):
    evolution.habits.qr_limit = 2
    await panel.whatsapp("POST", "/connect")
    for _ in range(3):
        evolution.bring_code(SUBDOMAIN)
        await evolution.poster.settled()
    refused = await panel.status()
    again = await panel.whatsapp("POST", "/connect")

    assert (refused["state"], refused["reason"], refused["qr"]) == ("refused", "not_scanned", None)
    assert again.json()["state"] == "connecting"


async def test_webhooks_that_come_twice_and_in_any_order_end_where_the_phone_is(panel, evolution, look, age, channel):
    evolution.poster.copies, evolution.poster.shuffles = 3, True
    await panel.whatsapp("POST", "/connect")
    await evolution.poster.settled()
    evolution.poster.is_held = True
    evolution.bring_code(SUBDOMAIN)
    evolution.storm(SUBDOMAIN, 20)
    evolution.scan(SUBDOMAIN, PHONE)
    evolution.poster.release()
    await evolution.poster.settled()
    await age(60)
    await look()

    assert (await panel.status())["state"] == "open"


async def test_a_storm_costs_reads_and_at_most_one_write(linked, panel, channel, age):
    await age(60)
    before = await channel() | {"reports": [one.status for one in linked.poster.attempts].count(200)}
    linked.storm(SUBDOMAIN, 60)
    await linked.poster.settled()
    after = await channel()

    answers = [one.status for one in linked.poster.attempts]
    assert set(answers) <= {200, 503}  # 503 where more came at once than may for a store: those came again
    assert answers.count(200) == 60 + before["reports"]
    assert after["state"] == "suspect"
    assert after["version"] - before["version"] == 1


async def test_unlinking_is_the_owners_word_whatever_comes_late(linked, panel, way):
    answer = await panel.whatsapp("POST", "/disconnect")
    linked.report(SUBDOMAIN, "connection.update", {"instance": SUBDOMAIN, "state": "open", "statusReason": 200})
    await linked.poster.settled()
    shown = await panel.status()

    assert (answer.status_code, shown["state"], shown["reason"]) == (200, "unlinked", "by_owner")
    assert linked.states[SUBDOMAIN] == "close"
    assert (False, None) in await way.rows("select is_connected, connected_phone from public.whatsapp_settings")


async def test_unlinking_again_and_deleting_are_harmless(linked, panel):
    await panel.whatsapp("POST", "/disconnect")
    again = await panel.whatsapp("POST", "/disconnect", json={"delete": True})
    gone = await panel.whatsapp("POST", "/disconnect", json={"delete": True})

    assert (again.status_code, gone.status_code) == (200, 200)
    assert SUBDOMAIN not in linked.states


async def test_a_provider_that_is_away_is_told_in_words_and_a_code(panel, operator, evolution):
    operator["PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_URL"] = "http://127.0.0.1:1"
    answer = await panel.whatsapp("POST", "/connect")

    assert (answer.status_code, answer.json()["reason"]) == (422, "provider_unavailable")


async def test_a_channel_that_others_change_all_the_time_is_told_in_words_and_a_code(panel, shop, evolution):
    await shop.connection.execute(
        """create function pideai_whatsapp.be_slower() returns trigger language plpgsql as 'begin return null; end';
           create trigger be_slower before insert or update on pideai_whatsapp.channels
           for each row execute function pideai_whatsapp.be_slower()"""
    )
    answer = await panel.whatsapp("POST", "/connect")

    assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (
        422,
        "plugin_signal",
        "channel_busy",
    )
    assert "inténtalo de nuevo" in answer.json()["detail"]
    assert evolution.calls == []


async def test_an_operator_who_set_no_key_for_webhooks_is_told(panel, operator, evolution):
    del operator["PIDEAI_PLUGIN_WHATSAPP_WEBHOOK_KEY"]
    answer = await panel.whatsapp("POST", "/connect")

    assert (answer.status_code, answer.json()["reason"], evolution.calls) == (422, "provider_configuration", [])


async def test_another_owner_reaches_nothing(panel, host, evolution):
    answers = [
        await host.ask(method, f"/whatsapp{path}", user_id=uuid4(), store_id=panel.store_id)
        for method, path in (("GET", "/status"), ("POST", "/connect"), ("POST", "/disconnect"), ("GET", "/messages"))
    ]

    assert [(one.status_code, one.json()["code"]) for one in answers] == [(404, "store_unknown")] * 4
    assert evolution.calls == []


async def test_another_stores_instance_is_no_way_in(panel, host, shop, evolution):
    await shop.connection.execute(
        """update public.store_plugins set config = '{"provider": "evolution", "instanceName": "la-esquina"}'
        where store_id = %s""",
        (shop.store_id,),
    )
    answers = [await panel.whatsapp("POST", path) for path in ("/connect", "/disconnect")]

    assert [(one.status_code, one.json()["reason"]) for one in answers] == [(422, "instance_foreign")] * 2
    assert evolution.calls == []


async def test_the_stream_tells_each_code_and_the_link(panel, host, evolution, connect, shop):
    await panel.whatsapp("POST", "/connect")
    await evolution.poster.settled()
    async with connect(path="/whatsapp/status/stream", store_id=shop.store_id, user_id=panel.owner_id) as client:
        first = await client.next("change")
        second = evolution.bring_code(SUBDOMAIN)
        changed = await client.next("change")
        evolution.scan(SUBDOMAIN, PHONE)
        async with asyncio.timeout(20):
            while (last := await client.next("change")).data["state"] != "open":
                pass

    assert first.data["state"] == "connecting"
    assert changed.data["qr"]["code"] == second
    assert last.data["connected_phone"] == f"+{PHONE}"


async def test_an_instance_that_a_store_chose_is_no_other_stores(panel, host, evolution):
    other = await host.new_store(panel.owner_id)
    await host.install("whatsapp", store_id=other, config={"provider": "evolution"})

    async def choose(store_id):
        path = f"/api/stores/{store_id}/plugins/whatsapp"
        headers = {"authorization": f"Bearer {host.signer.token(panel.owner_id)}"}
        current = await host.client.get(path, headers=headers)
        config = {"provider": "evolution", "instanceName": "shared1"}
        headers["if-match"] = current.headers["etag"]
        return await host.client.put(path, json={"config": config}, headers=headers)

    mine, theirs = await choose(panel.store_id), await choose(other)
    linked = await panel.whatsapp("POST", "/connect")

    assert (mine.status_code, theirs.status_code, theirs.json()["code"]) == (200, 422, "config_rejected")
    assert (linked.status_code, list(evolution.instances)) == (200, ["shared1"])


async def test_a_store_whose_name_another_one_took_before_it_came_finds_no_way_in(
    panel, shop, evolution, look, channel
):
    evolution.states[SUBDOMAIN] = "open"
    await shop.connection.execute(
        "insert into pideai_whatsapp.instances (name, store_id) values (%s, gen_random_uuid())", (SUBDOMAIN,)
    )
    answers = [await panel.whatsapp("POST", path) for path in ("/connect", "/disconnect")]
    await look()

    assert [one.json()["reason"] for one in answers] == ["instance_foreign"] * 2
    assert ((await panel.status())["state"], evolution.calls) == ("unlinked", [])

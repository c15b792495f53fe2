"""The look after channels: what no webhook told is found, what can be mended is mended, the owner is told once."""

import pytest
from pideai_whatsapp.channel.notices import BACK

SUBDOMAIN = "arepas-probe"
STATE = f"/instance/connectionState/{SUBDOMAIN}"
RESTART = f"/instance/restart/{SUBDOMAIN}"
HOOK = f"/webhook/set/{SUBDOMAIN}"


def asked(evolution, path):
    return [one for one in evolution.calls if one[1].startswith(path)]


async def place(way, shop):
    order_id, body = await shop.insert()
    await shop.add_items(order_id)
    await way.door.receive(body)


async def test_a_link_that_no_webhook_told_of_is_found_and_the_webhook_set_again(panel, evolution, look):
    await panel.whatsapp("POST", "/connect")
    await evolution.poster.settled()
    evolution.poster.is_held = True
    evolution.scan(SUBDOMAIN, "584121234567")
    await look()

    assert (await panel.status())["state"] == "open"
    assert len(asked(evolution, HOOK)) == 1


async def test_a_session_that_ends_without_a_word_is_noticed_and_told_once(linked, panel, look, age, notices):
    linked.states[SUBDOMAIN] = "close"
    seen = []
    for _ in range(4):
        await look()
        seen.append((await panel.status())["state"])
        await age(30)

    assert seen == ["suspect", "closed", "closed", "closed"]
    assert len(await notices()) == 1


async def test_an_outage_that_the_phone_mends_by_itself_is_told_to_nobody(linked, panel, look, age, notices):
    await age(60)
    linked.storm(SUBDOMAIN, 5)
    await linked.poster.settled()
    await look()
    suspect = (await panel.status())["state"]
    await age(90)
    await look()

    assert (suspect, (await panel.status())["outage_since"], await notices()) == ("open", None, [])


async def test_an_unlinked_phone_is_told_once_and_its_return_once(linked, panel, look, age, notices):
    linked.unlink(SUBDOMAIN)
    await linked.poster.settled()
    for _ in range(3):
        await look()
        await age(400)
    down = await notices()
    await panel.whatsapp("POST", "/connect")
    linked.scan(SUBDOMAIN, "584121234567")
    await linked.poster.settled()
    await look()
    early = await notices()
    for _ in range(3):
        await age(120)
        await look()

    assert [text[:40] for text in down] == ["Tu WhatsApp se desvinculó desde el teléf"]
    assert early == down
    assert await notices() == [*down, BACK]


async def test_a_channel_that_says_open_and_fails_is_suspect_and_its_messages_wait_for_nothing(
    linked, worker, shop, panel, until
):
    linked.dead.add(SUBDOMAIN)
    await place(worker, shop)

    async def is_suspect():
        return (await panel.status())["state"] == "suspect"

    await until(is_suspect)
    [[status, attempts, _]] = await worker.log()
    [[used]] = await worker.rows("select coalesce(sum(credits_used_this_month), 0)::int from public.whatsapp_credits")

    assert (status, attempts, used, linked.sent) == ("pending", 0, 0, [])
    assert (await panel.status())["reason"] == "sends_fail"


async def test_a_channel_that_lies_is_restarted_tried_again_and_the_waiting_message_goes_out(
    linked, worker, shop, panel, look, age, notices, until
):
    linked.dead.add(SUBDOMAIN)
    await place(worker, shop)

    async def is_suspect():
        return (await panel.status())["state"] == "suspect"

    await until(is_suspect)
    await look()
    assert asked(linked, RESTART) == []
    await age(61)
    linked.dead.clear()
    await look()
    tried = await panel.status()
    await worker.done()
    await linked.poster.settled()
    linked.progress(linked.sent[0].message_id, "DELIVERY_ACK")
    await linked.poster.settled()
    await look()

    assert (tried["state"], tried["outage_since"] is None) == ("open", False)
    assert ((await panel.status())["outage_since"], len(linked.sent)) == (None, 1)
    assert len(await notices()) in (0, 2)


async def test_a_session_that_stays_suspect_is_opened_anew_now_and_then(linked, panel, look, age, notices):
    linked.states[SUBDOMAIN] = "connecting"
    for _ in range(6):
        await look()
        await age(61)

    assert len(asked(linked, RESTART)) == 1
    assert len(await notices()) == 1
    await age(600)
    await look()
    assert len(asked(linked, RESTART)) == 2


async def test_silence_has_the_webhook_set_again(linked, look, age):
    await look()
    before = len(asked(linked, HOOK))
    await age(31 * 60)
    await look()
    await look()

    assert (before, len(asked(linked, HOOK))) == (0, 1)


async def test_a_server_that_does_not_answer_changes_nothing_and_tells_nobody(linked, panel, look, operator, notices):
    operator["PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_URL"] = "http://127.0.0.1:1"

    assert await look() is False
    assert ((await panel.status())["state"], await notices()) == ("open", [])


async def test_what_is_heard_while_the_provider_is_asked_counts_more_than_its_answer(linked, panel, look, monkeypatch):
    from pideai_whatsapp.providers.evolution import EvolutionProvider

    really = EvolutionProvider.state

    async def slowly(self):
        answer = await really(self)
        linked.unlink(SUBDOMAIN)
        await linked.poster.settled()
        return answer

    monkeypatch.setattr(EvolutionProvider, "state", slowly)
    await look()

    assert ((await panel.status())["state"], (await panel.status())["reason"]) == ("closed", "logged_out")


@pytest.mark.parametrize("provider", ["console"])
async def test_a_provider_without_a_phone_is_asked_nothing(linked, panel, shop, look, provider):
    await shop.connection.execute(
        "update public.store_plugins set config = %s where store_id = %s",
        (f'{{"provider": "{provider}"}}', shop.store_id),
    )
    calls = list(linked.calls)

    assert await look() is True
    assert linked.calls == calls
    assert (await panel.status())["is_connected"] is True

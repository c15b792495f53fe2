"""Campaigns as the panel makes, stops and follows them; nothing here sends."""

from uuid import uuid4

import pytest

CAMPAIGN = {"name": "Martes", "message": "Hola {customer_name}, ven a {store_name}"}


@pytest.fixture
async def campaign(panel):
    answer = await panel.whatsapp("POST", "/campaigns", json=CAMPAIGN)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_it_is_shown_on_its_way_through_all_states(panel, campaign):
    shown = (await panel.whatsapp("GET", f"/campaigns/{campaign['id']}")).json()
    said = []
    for step in ("schedule", "pause", "resume", "cancel"):
        answer = await panel.whatsapp("POST", f"/campaigns/{campaign['id']}/{step}")
        said.append((answer.status_code, answer.json()["status"]))

    assert shown == campaign
    assert (shown["status"], shown["audience"], shown["sent"], shown["waiting"]) == ("draft", "all", 0, 0)
    assert said == [(200, "scheduled"), (200, "paused"), (200, "scheduled"), (200, "cancelled")]


async def test_where_it_cannot_go_is_said_in_words_and_one_that_is_not_there_is_404(panel, campaign):
    answer = await panel.whatsapp("POST", f"/campaigns/{campaign['id']}/resume")

    assert (answer.status_code, answer.json()["reason"]) == (422, "campaign_rejected")
    assert "draft" in answer.json()["detail"]
    for method, path in (("GET", ""), ("POST", "/schedule"), ("POST", "/cancel")):
        assert (await panel.whatsapp(method, f"/campaigns/{uuid4()}{path}")).status_code == 404


async def test_an_instant_needs_its_time_zone(panel, campaign):
    path = f"/campaigns/{campaign['id']}/schedule"
    without = await panel.whatsapp("POST", path, json={"at": "2030-01-01T10:00:00"})
    right = await panel.whatsapp("POST", path, json={"at": "2030-01-01T10:00:00-04:00"})

    assert (without.status_code, right.status_code) == (400, 200)
    assert right.json()["scheduled_at"] == "2030-01-01T14:00:00Z"


async def test_what_cannot_be_a_campaign_is_refused(panel):
    said = []
    for change in (
        {"message": ""},
        {"message": "x" * 1025},
        {"name": ""},
        {"audience": "everybody"},
        {"message": "Hola {order_total}"},
        {"image_url": "http://127.0.0.1/a.png"},
    ):
        answer = await panel.whatsapp("POST", "/campaigns", json=CAMPAIGN | change)
        said.append(answer.status_code)

    assert said == [400, 400, 400, 400, 422, 422]
    assert (await panel.whatsapp("GET", "/campaigns")).json()["items"] == []


async def test_the_audience_is_counted_and_the_text_shown_beforehand(panel, shop):
    for phone, name in (("04141234567", "Ana"), ("+58 414 1234567", "Ana"), ("04142222222", "Beto"), ("hola", "Nadie")):
        await shop.insert(customer_phone=phone, customer_name=name)
    await panel.whatsapp("POST", "/opt-outs", json={"phone": "04142222222"})
    body = {"audience": "recent_customers", "message": "{customer_name}: {x}"}
    answer = await panel.whatsapp("POST", "/campaigns/preview", json=body)
    inactive = await panel.whatsapp("POST", "/campaigns/preview", json={"audience": "inactive_customers"})

    assert answer.json() == {
        "recipients": 1,
        "opted_out": 1,
        "unreachable": 1,
        "text": "Ana: {x}",
        "unknown_tokens": ["x"],
    }
    assert (inactive.json()["recipients"], inactive.json()["text"]) == (0, None)


async def test_pages_and_states_are_listed(panel):
    made = [(await panel.whatsapp("POST", "/campaigns", json=CAMPAIGN)).json()["id"] for _ in range(3)]
    await panel.whatsapp("POST", f"/campaigns/{made[0]}/schedule")
    await panel.whatsapp("POST", f"/campaigns/{made[0]}/pause")
    first = (await panel.whatsapp("GET", "/campaigns", params={"limit": 2})).json()
    second = (await panel.whatsapp("GET", "/campaigns", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    paused = (await panel.whatsapp("GET", "/campaigns", params={"status": "paused"})).json()
    scheduled = (await panel.whatsapp("GET", "/campaigns", params={"status": "scheduled"})).json()
    strange = await panel.whatsapp("GET", "/campaigns", params={"cursor": "!"})

    assert [one["id"] for one in first["items"] + second["items"]] == made[::-1]
    assert (second["next_cursor"], strange.status_code) == (None, 400)
    assert ([one["id"] for one in paused["items"]], scheduled["items"]) == ([made[0]], [])


async def test_the_routes_are_in_the_hosts_description(host):
    paths = (await host.client.get("/docs/openapi.json")).json()["paths"]

    assert sum("/whatsapp/campaigns" in path for path in paths) == 7

"""What an owner sends reaches the lifecycle as it was sent, or is refused with every reason."""

from uuid import uuid4

import pytest
from msgspec import UNSET
from tests.unit.web.routes.conftest import ANY, OWNER, PATH, SHOWN, STORE

from pideai_host.api import AlreadyInstalled, ConfigRejected, HookTimeout, NotInstalled, PluginFault
from pideai_host.stores.expected import ChangedMeanwhile
from pideai_host.stores.lock import InstallationBusy


def test_the_list_shows_which_secrets_are_set_and_none_of_them(client):
    response = client.get(PATH)

    assert (response.status_code, response.json()["items"][0]["secrets"]) == (200, ["/apiKey"])
    assert "sealed-text" not in response.text


def test_an_installation_is_made_as_asked(client, lifecycle):
    body = {"slug": "whatsapp", "config": {"apiKey": "k"}, "enabled": False, "priority": 3}

    response = client.post(PATH, json=body)
    ((_, store_id, slug, wanted),) = lifecycle.calls

    assert (response.status_code, response.headers["location"]) == (201, f"{PATH}/whatsapp")
    assert (store_id, slug) == (STORE, "whatsapp")
    assert (wanted.config, wanted.enabled, wanted.priority) == ({"apiKey": "k"}, False, 3)


def test_a_secret_that_the_host_made_is_shown_once(client):
    made = client.post(PATH, json={"slug": "whatsapp"}).json()
    changed = client.put(f"{PATH}/whatsapp", json={}).json()

    assert (made["webhook_secret"], "webhook_secret" in changed) == ("whsec_made", False)


def test_what_a_change_leaves_out_is_left_alone(client, lifecycle):
    response = client.put(f"{PATH}/whatsapp", json={"enabled": False, "webhook_url": None}, headers=ANY)
    ((_, _, slug, change, _),) = lifecycle.calls

    assert (response.status_code, slug) == (200, "whatsapp")
    assert (change.enabled, change.webhook_url, change.config, change.priority) == (False, None, UNSET, UNSET)


def test_uninstalling_answers_nothing(client, lifecycle):
    response = client.delete(f"{PATH}/whatsapp")

    assert (response.status_code, response.content) == (204, b"")
    assert lifecycle.calls == [("uninstall", STORE, "whatsapp", None)]


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (AlreadyInstalled("whatsapp"), 409, "already_installed"),
        (InstallationBusy("busy"), 409, "installation_busy"),
        (ChangedMeanwhile("another tab"), 412, "changed_meanwhile"),
        (NotInstalled("whatsapp"), 404, "not_installed"),
        (ConfigRejected({"/apiKey": "is missing"}), 422, "config_rejected"),
        (PluginFault("it broke", slug="whatsapp"), 502, "plugin_fault"),
        (HookTimeout(slug="whatsapp", hook="on_install", limit_s=30), 504, "hook_timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_refusal_has_its_status(client, lifecycle, refusal, status, code):
    lifecycle.refusal = refusal

    response = client.put(f"{PATH}/whatsapp", json={})

    assert (response.status_code, response.json()["code"]) == (status, code)


def test_every_fault_of_a_configuration_is_listed(client, lifecycle):
    lifecycle.refusal = ConfigRejected({"/apiKey": "is missing", "/apiUrl": "is no URL"})

    faults = client.post(PATH, json={"slug": "whatsapp"}).json()["faults"]

    assert faults == [
        {"pointer": "/apiKey", "message": "is missing"},
        {"pointer": "/apiUrl", "message": "is no URL"},
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_store_id_that_is_none_is_not_found(client, method):
    assert client.request(method, "/api/stores/42/plugins").status_code == 404


def test_the_list_shows_each_breaker(client):
    assert client.get(PATH).json()["items"][0]["breaker"] == SHOWN


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "", {"slug": "whatsapp"}),
        ("POST", "", {"slug": "whatsapp", "enabled": False}),
        ("PUT", "/whatsapp", {"enabled": True}),
        ("PUT", "/whatsapp", {"config": {}}),
        ("PUT", "/whatsapp", {"webhook_url": None}),
        ("PUT", "/whatsapp", {"webhook_secret": None}),
        ("PUT", "/whatsapp", {"policy": None}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_begins_use_asks_the_plan_and_its_no_is_the_answer(client, lifecycle, plan, method, path, body):
    assert client.request(method, PATH + path, json=body, headers=ANY).is_success
    plan.modules.clear()
    refused = client.request(method, PATH + path, json=body, headers=ANY)

    assert (refused.status_code, refused.json()["code"]) == (403, "module_not_in_plan")
    assert "'whatsapp'" in refused.json()["detail"]
    assert (plan.asked, len(lifecycle.calls)) == ([(OWNER, STORE, "whatsapp")] * 2, 1)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PUT", "/whatsapp", {"enabled": False}),
        ("PUT", "/whatsapp", {"enabled": False, "config": {"apiKey": None}}),
        ("PUT", "/whatsapp", {"priority": 3}),
        ("PUT", "/whatsapp", {}),
        ("DELETE", "/whatsapp", None),
        ("POST", "/whatsapp/breaker/reset", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_shows_stops_or_removes_asks_no_plan(client, plan, method, path, body):
    plan.modules.clear()

    assert client.request(method, PATH + path, json=body, headers=ANY).is_success
    assert plan.asked == []


def test_a_breaker_is_shown_with_its_reason(client):
    response = client.get(f"{PATH}/whatsapp/breaker")

    assert (response.status_code, response.json()) == (200, SHOWN)


def test_resetting_a_breaker_closes_it_and_notes_who_wanted_it(client, breakers):
    response = client.post(f"{PATH}/whatsapp/breaker/reset")

    assert (response.status_code, response.json()["phase"]) == (200, "closed")
    assert breakers.resets == [(STORE, "whatsapp", str(OWNER))]


@pytest.mark.parametrize(("method", "path"), [("GET", "breaker"), ("POST", "breaker/reset")])
@pytest.mark.parametrize(
    ("store", "slug", "code"),
    [
        (STORE, "courier", "not_installed"),
        (STORE, "No-Slug", "plugin_unknown"),
        (uuid4(), "whatsapp", "store_unknown"),
    ],
    ids=["not installed", "no slug", "another's store"],
)
def test_a_breaker_that_is_not_the_owners_is_not_found(client, breakers, method, path, store, slug, code):
    response = client.request(method, f"/api/stores/{store}/plugins/{slug}/{path}")

    assert (response.status_code, response.json()["code"], breakers.resets) == (404, code, [])

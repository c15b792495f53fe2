"""What a request to change a store's plugins must be: a body as documented, made upon a state that is named."""

import pytest
from tests.unit.web.routes.conftest import PATH, TAG

from pideai_host.web.limits import API_BODY_MAX_BYTES


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "a body is needed"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{}", "/plugin is required"),
        (b'{"slug": 5}', "Expected `str`"),
        (b'{"slug": "whatsapp", "enabled": "yes"}', "Expected `bool`"),
        (b'{"slug": "whatsapp", "enabled": 1}', "Expected `bool`"),
        (b'{"slug": "whatsapp", "priority": "5"}', "Expected `int`"),
        (b'{"slug": "whatsapp", "priority": 99999999999}', "2147483647"),
        (b'{"slug": "whatsapp", "config": []}', "Expected `object`"),
        (b'{"slug": "whatsapp", "colour": "red"}', "/colour is not a known field"),
        (b'{"slug": "whatsapp", "config": {"a": "\\u0000"}}', "NUL"),
        (b'{"slug": "a", "config": {"a": ' + b"[" * 100_000, "nested"),
        (b"\xff\xfe", ""),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_bad_body_is_refused_with_its_reason_and_changes_nothing(client, lifecycle, body, told):
    response = client.post(PATH, content=body, headers={"content-type": "application/json"})

    assert (response.status_code, lifecycle.calls) == (400, [])
    assert told in response.text


def test_a_body_over_the_limit_is_refused(client, lifecycle):
    response = client.post(PATH, content=b" " * (API_BODY_MAX_BYTES + 1))

    assert (response.status_code, lifecycle.calls) == (413, [])


def test_an_installation_is_shown_with_the_tag_of_its_state(client):
    shown = client.get(f"{PATH}/whatsapp")

    assert (shown.status_code, shown.json()["revision"], shown.headers["etag"]) == (200, 1, f'"{TAG}"')
    assert client.put(f"{PATH}/whatsapp", json={}).headers["etag"] == f'"{TAG}"'
    assert client.get(f"{PATH}/courier").json()["code"] == "not_installed"


@pytest.mark.parametrize(
    "known", [f'"{TAG}"', f'W/"{TAG}"', f'"another", "{TAG}"', "*"], ids=["strong", "weak", "among_others", "any"]
)
def test_a_reader_who_has_the_state_gets_no_body(client, known):
    shown = client.get(f"{PATH}/whatsapp", headers={"if-none-match": known})

    assert (shown.status_code, shown.content, shown.headers["etag"]) == (304, b"", f'"{TAG}"')


@pytest.mark.parametrize("known", ['"another"', TAG, ""], ids=["another", "unquoted", "empty"])
def test_a_reader_who_has_another_state_gets_this_one(client, known):
    assert client.get(f"{PATH}/whatsapp", headers={"if-none-match": known}).json()["plugin"] == "whatsapp"


@pytest.mark.parametrize(
    "body", [{"config": {}}, {"webhook_url": None}, {"webhook_secret": None}, {"policy": None}], ids=str
)
def test_what_replaces_something_says_upon_which_state(client, lifecycle, body):
    refused = client.put(f"{PATH}/whatsapp", json={**body, "enabled": True})

    assert (refused.status_code, refused.json()["code"], lifecycle.calls) == (428, "if_match_needed", [])


@pytest.mark.parametrize("body", [{"enabled": False}, {"priority": 4}, {}], ids=str)
def test_what_only_switches_needs_to_know_no_state(client, lifecycle, body):
    assert client.put(f"{PATH}/whatsapp", json=body).status_code == 200
    assert lifecycle.calls[0][-1] is None


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ('"a-1"', {"a-1"}),
        ('"a-1", W/"b-2"', {"a-1"}),
        ('"a-1", "b-2"', {"a-1", "b-2"}),
        ("*", None),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_the_states_that_a_change_may_begin_from_reach_the_lifecycle(client, lifecycle, method, sent, expected):
    body = {"config": {}} if method == "PUT" else None

    assert client.request(method, f"{PATH}/whatsapp", json=body, headers={"if-match": sent}).is_success
    assert lifecycle.calls[0][-1] == expected


@pytest.mark.parametrize(
    ("sent", "status", "code"), [("a-1", 400, "bad_request"), ('W/"a-1"', 412, "changed_meanwhile")]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_change_upon_no_state_that_can_be_named_is_not_made(client, lifecycle, method, sent, status, code):
    body = {"config": {}} if method == "PUT" else None

    answer = client.request(method, f"{PATH}/whatsapp", json=body, headers={"if-match": sent})

    assert (answer.status_code, answer.json()["code"], lifecycle.calls) == (status, code, [])


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ],
    ids=str,
)
def test_a_body_that_says_it_is_no_plain_json_is_not_read(client, lifecycle, headers):
    answer = client.post(PATH, content=b'{"slug": "whatsapp"}', headers=headers)

    assert (answer.status_code, answer.json()["code"], lifecycle.calls) == (415, "media_type_unsupported", [])


def test_the_plugin_is_named_as_in_every_answer_or_by_its_other_word(client, lifecycle):
    bodies = ({"plugin": "whatsapp"}, {"slug": "whatsapp"}, {"plugin": "whatsapp", "slug": "whatsapp"})

    assert [client.post(PATH, json=body).status_code for body in bodies] == [201] * 3
    assert [call[2] for call in lifecycle.calls] == ["whatsapp"] * 3


@pytest.mark.parametrize(
    ("body", "pointer"), [({}, "/plugin"), ({"plugin": "whatsapp", "slug": "webhook-bridge"}, "/slug")]
)
def test_no_plugin_and_two_plugins_are_faults(client, lifecycle, body, pointer):
    answer = client.post(PATH, json=body)

    assert (answer.status_code, [one["pointer"] for one in answer.json()["faults"]]) == (400, [pointer])
    assert lifecycle.calls == []


def test_no_body_is_a_fault_of_the_body(client, lifecycle):
    answer = client.post(PATH)

    assert (answer.status_code, answer.json()["code"], lifecycle.calls) == (400, "body_rejected", [])


@pytest.mark.parametrize("slug", ["WhatsApp", "a--b", "events", "%00"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_what_can_be_no_slug_goes_no_further(client, lifecycle, method, slug):
    response = client.request(method, f"{PATH}/{slug}", json={} if method == "PUT" else None)

    assert (response.status_code, response.json()["code"], lifecycle.calls) == (404, "plugin_unknown", [])


def test_an_impossible_slug_in_a_body_goes_no_further(client, lifecycle):
    assert (client.post(PATH, json={"slug": "a b"}).status_code, lifecycle.calls) == (404, [])

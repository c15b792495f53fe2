"""The door of database changes opens for the right secret only, and answers what was kept."""

from uuid import UUID

import pytest
from structlog.testing import capture_logs

from pideai_host.api import DatabaseUnavailable
from pideai_host.events.doors import NotAChange
from pideai_host.web.front import Front
from pideai_host.web.limits import WEBHOOK_BODY_MAX_BYTES

PATH = "/webhooks/supabase"
HEADER = "X-PideAI-Webhook-Secret"
EVENT = UUID("22222222-2222-4222-8222-222222222222")
BODY = b'{"type": "INSERT", "table": "orders", "record": {}, "schema": "public", "old_record": null}'


class Door:
    def __init__(self, refusal: Exception | None = None) -> None:
        self.bodies: list[bytes] = []
        self.refusal = refusal

    async def receive(self, body: bytes) -> tuple[UUID, ...]:
        self.bodies.append(body)
        if self.refusal is not None:
            raise self.refusal
        return (EVENT,)


@pytest.fixture
def door():
    return Door()


@pytest.fixture(params=[lambda app: app, Front], ids=["router", "front"])
def client(request, client_of, door):
    return client_of(door=door, webhook_secrets=(b"new", b"old"), behind=request.param)


def test_an_authentic_change_is_answered_with_its_events(client):
    response = client.post(PATH, content=BODY, headers={HEADER: "new"})

    assert (response.status_code, response.json()) == (202, {"event_ids": [str(EVENT)]})


def test_the_door_gets_the_very_bytes(client, door):
    client.post(PATH, content=BODY, headers={HEADER: "new", "content-type": "application/json"})

    assert door.bodies == [BODY]


@pytest.mark.parametrize("secret", ["new", "old"])
def test_two_secrets_are_good_during_rotation(client, secret):
    assert client.post(PATH, content=BODY, headers={HEADER: secret}).status_code == 202


@pytest.mark.parametrize(
    "headers",
    [{}, {HEADER: ""}, {HEADER: "ne"}, {HEADER: "NEW"}, {HEADER: "new, old"}, {HEADER: "ñew".encode("latin-1")}],
)
def test_any_other_secret_is_refused_and_the_body_goes_nowhere(client, door, headers):
    response = client.post(PATH, content=BODY, headers=headers)

    assert (response.status_code, response.json()["code"], door.bodies) == (401, "webhook_secret_wrong", [])


@pytest.mark.parametrize("headers", [{}, {HEADER: ""}, {HEADER: "any"}])
@pytest.mark.parametrize("secrets", [(), (b"",)])
def test_without_a_configured_secret_the_door_stays_shut(client_of, door, secrets, headers):
    client = client_of(door=door, webhook_secrets=secrets)

    assert client.post(PATH, content=BODY, headers=headers).status_code == 401


def test_the_secret_is_judged_before_the_size(client):
    assert client.post(PATH, content=b"x" * (WEBHOOK_BODY_MAX_BYTES + 1)).status_code == 401


def test_a_body_of_one_mebibyte_is_taken(client):
    body = b"x" * WEBHOOK_BODY_MAX_BYTES

    assert client.post(PATH, content=body, headers={HEADER: "new"}).status_code == 202


def test_a_larger_body_is_refused(client, door):
    response = client.post(PATH, content=b"x" * (WEBHOOK_BODY_MAX_BYTES + 1), headers={HEADER: "new"})

    assert (response.status_code, response.json()["code"], door.bodies) == (413, "body_too_large", [])


def test_a_larger_body_of_untold_length_is_refused(client, door):
    chunks = (b"x" * 65_536 for _ in range(17))

    response = client.post(PATH, content=chunks, headers={HEADER: "new"})

    assert (response.status_code, door.bodies) == (413, [])


def test_what_is_no_change_is_the_senders_mistake(client_of):
    client = client_of(door=Door(NotAChange("the body is not JSON")), webhook_secrets=(b"new",))

    response = client.post(PATH, content=b"{", headers={HEADER: "new"})

    assert (response.status_code, response.json()["code"]) == (400, "not_a_change")


def test_what_could_not_be_kept_is_not_accepted(client_of):
    client = client_of(door=Door(DatabaseUnavailable("away")), webhook_secrets=(b"new",))

    response = client.post(PATH, content=BODY, headers={HEADER: "new"})

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


def test_only_post_is_known(client):
    assert client.get(PATH, headers={HEADER: "new"}).status_code == 405


def test_the_secret_is_not_echoed(client_of, door):
    client = client_of(door=door, webhook_secrets=(b"new-secret",))

    response = client.post(PATH, content=BODY, headers={HEADER: "guessed-secret"})

    assert "guessed-secret" not in response.text + str(response.headers)


def test_the_log_tells_once_that_a_secret_is_wrong_and_never_which(client):
    with capture_logs() as lines:
        for _ in range(3):
            client.post(PATH, content=BODY, headers={HEADER: "wrong-canary"})

    told = [line for line in lines if line["event"] == "webhook_refused"]
    assert [line["refused"] for line in told] == [1]
    assert "canary" not in str(lines)

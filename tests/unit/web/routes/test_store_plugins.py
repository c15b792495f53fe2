"""What an owner sends reaches the lifecycle as it was sent, or is refused with every reason."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from msgspec import UNSET

from pideai_host.api import AlreadyInstalled, ConfigRejected, HookTimeout, NotInstalled, PluginFault, StoreUnknown
from pideai_host.events.breaker_rows import BreakerState
from pideai_host.stores.expected import ChangedMeanwhile
from pideai_host.stores.installations import StoredInstallation
from pideai_host.stores.lock import InstallationBusy
from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn
from pideai_host.web.auth import User
from pideai_host.web.limits import API_BODY_MAX_BYTES
from pideai_host.web.plan import ModuleNotInPlan

OWNER = uuid4()
STORE = uuid4()
PATH = f"/api/stores/{STORE}/plugins"
STORED = StoredInstallation(
    id=uuid4(), store_id=STORE, plugin_id=uuid4(), slug="whatsapp", config={"apiUrl": "https://evo.test"}, enabled=True,
    priority=0, webhook_url=None, config_version=1, revision=1, sealed={"/apiKey": "v1.k.sealed-text"},
    installed_at=datetime(2026, 1, 1, tzinfo=UTC), updated_at=datetime(2026, 1, 1, tzinfo=UTC),
)  # fmt: skip

TAG = f"{STORED.id.hex[:8]}-1"
ANY = {"if-match": "*"}

OPEN = BreakerState(
    installation_id=STORED.id, plugin="whatsapp", phase="open", reason="503", parked=3, closed_at=None,
    opened_at=datetime(2026, 1, 2, tzinfo=UTC), next_probe_at=datetime(2026, 1, 3, tzinfo=UTC),
)  # fmt: skip
SHOWN = {
    "phase": "open",
    "reason": "503",
    "opened_at": "2026-01-02T00:00:00Z",
    "closed_at": None,
    "next_probe_at": "2026-01-03T00:00:00Z",
    "parked": 3,
}


class Verifier:
    async def verify(self, _: str) -> User:
        return User(OWNER, "{}")


class Access:
    async def require_owner(self, user: User, store_id: UUID) -> None:
        if (user.id, store_id) != (OWNER, STORE):
            raise StoreUnknown(store_id)

    require_reader = require_owner


class Installations:
    async def list_for_store(self, store_id: UUID) -> list[StoredInstallation]:
        assert store_id == STORE
        return [STORED]

    async def find(self, store_id: UUID, slug: str) -> StoredInstallation | None:
        return STORED if (store_id, slug) == (STORE, "whatsapp") else None


class Breakers:
    """The breaker of `STORED` is open; nothing else is installed."""

    def __init__(self) -> None:
        self.resets: list[tuple[UUID, str, str]] = []

    async def of_store(self, store_id: UUID) -> list[BreakerState]:
        assert store_id == STORE
        return [OPEN]

    async def of_plugin(self, store_id: UUID, plugin: str) -> BreakerState | None:
        return OPEN if (store_id, plugin) == (STORE, "whatsapp") else None

    async def reset(self, store_id: UUID, plugin: str, *, by: str) -> BreakerState | None:
        if await self.of_plugin(store_id, plugin) is None:
            return None
        self.resets.append((store_id, plugin, by))
        return msgspec.structs.replace(OPEN, phase="closed", next_probe_at=None)


class Plan:
    """What stores' plans include; counts who was asked about."""

    def __init__(self) -> None:
        self.modules = {"whatsapp"}
        self.asked: list[tuple[UUID, UUID, str]] = []

    async def require(self, user: User, store_id: UUID, slug: str) -> None:
        self.asked.append((user.id, store_id, slug))
        if slug not in self.modules:
            raise ModuleNotInPlan(slug, slug)


class Lifecycle:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.refusal: Exception | None = None

    def _take(self, *call: Any) -> None:
        self.calls.append(call)
        if self.refusal is not None:
            raise self.refusal

    async def install(self, store_id: UUID, slug: str, wanted: InstallIn) -> InstallOut:
        self._take("install", store_id, slug, wanted)
        return InstallOut.of(STORED, webhook_secret="whsec_made")

    async def update(self, store_id: UUID, slug: str, change: UpdateIn, *, expected: Any) -> InstallOut:
        self._take("update", store_id, slug, change, expected)
        return InstallOut.of(STORED)

    async def uninstall(self, store_id: UUID, slug: str, *, expected: Any) -> None:
        self._take("uninstall", store_id, slug, expected)


@pytest.fixture
def lifecycle():
    return Lifecycle()


@pytest.fixture
def breakers():
    return Breakers()


@pytest.fixture
def plan():
    return Plan()


@pytest.fixture
def client(client_of, lifecycle, breakers, plan):
    client = client_of(
        verifier=Verifier(),
        access=Access(),
        installations=Installations(),
        lifecycle=lifecycle,
        breakers=breakers,
        plan=plan,
    )
    client.headers["authorization"] = "Bearer any"
    return client


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

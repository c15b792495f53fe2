"""Owners see their credits and every movement of them, page by page."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from pideai_host.api import StoreUnknown
from pideai_host.stores.credit_accounts import CreditAccount, LedgerEntry
from pideai_host.web.auth import User

OWNER = uuid4()
STORE = uuid4()
PATH = f"/api/stores/{STORE}"
ACCOUNT = CreditAccount(plugin="whatsapp", monthly=50, extra=3, used=10, available=43, reserved=1)


class Verifier:
    async def verify(self, _: str) -> User:
        return User(OWNER, "{}")


class Access:
    async def require_owner(self, user: User, store_id: UUID) -> None:
        if (user.id, store_id) != (OWNER, STORE):
            raise StoreUnknown(store_id)

    require_reader = require_owner


class Catalogue:
    async def find(self, slug: str) -> object | None:
        return object() if slug in ("whatsapp", "courier") else None


class Credits:
    """Seven movements of WhatsApp; nothing else."""

    async def of_store(self, store_id: UUID) -> list[CreditAccount]:
        assert store_id == STORE
        return [ACCOUNT]

    async def of_plugin(self, store_id: UUID, plugin: str) -> CreditAccount:
        assert store_id == STORE
        return ACCOUNT if plugin == "whatsapp" else CreditAccount(plugin=plugin)

    async def ledger(self, store_id: UUID, plugin: str, *, before: int | None, limit: int) -> list[LedgerEntry]:
        assert store_id == STORE
        entries = [entry(number) for number in range(7, 0, -1)] if plugin == "whatsapp" else []
        return [one for one in entries if before is None or one.id < before][:limit]


def entry(number):
    return LedgerEntry(
        id=number, at=datetime(2026, 1, 1, tzinfo=UTC), movement="reserve", credit_type="monthly", amount=-1,
        available=number, delivery_id=UUID(int=number), reference=None, granted=None,
    )  # fmt: skip


@pytest.fixture
def client(client_of):
    made = client_of(verifier=Verifier(), access=Access(), catalogue=Catalogue(), credits=Credits())
    made.headers["authorization"] = "Bearer token"
    return made


SHOWN = {
    "plugin": "whatsapp",
    "monthly": 50,
    "extra": 3,
    "used": 10,
    "available": 43,
    "reserved": 1,
    "renews_at": None,
}


def test_a_store_sees_its_credits(client):
    assert client.get(f"{PATH}/credits").json() == {"items": [SHOWN]}


def test_a_store_sees_its_credits_for_one_plugin(client):
    assert client.get(f"{PATH}/plugins/whatsapp/credits").json() == SHOWN


def test_a_plugin_of_the_catalogue_that_has_no_credits_shows_none(client):
    answer = client.get(f"{PATH}/plugins/courier/credits")

    assert (answer.status_code, answer.json()["available"]) == (200, 0)
    assert client.get(f"{PATH}/plugins/courier/credits/ledger").json() == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("path", ["credits", "credits/ledger"])
@pytest.mark.parametrize("slug", ["zebra", "a--b"])
def test_a_plugin_that_is_none_is_not_found(client, path, slug):
    answer = client.get(f"{PATH}/plugins/{slug}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "plugin_unknown")


def test_a_ledger_is_read_page_by_page_to_its_end(client):
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{PATH}/plugins/whatsapp/credits/ledger?limit=3{cursor and f'&cursor={cursor}'}").json()
        seen.append([item["id"] for item in page["items"]])
        cursor = page["next_cursor"]

    assert seen == [[7, 6, 5], [4, 3, 2], [1]]


def test_a_page_that_ends_with_the_last_entry_has_no_next_one(client):
    assert client.get(f"{PATH}/plugins/whatsapp/credits/ledger?limit=7").json()["next_cursor"] is None


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=-1", "cursor=%C2%B2", "cursor=9999999999999999999", "limit=0", "limit=201", "limit=x"]
)
def test_a_page_that_cannot_be_is_refused(client, query):
    answer = client.get(f"{PATH}/plugins/whatsapp/credits/ledger?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize("path", ["credits", "plugins/whatsapp/credits", "plugins/whatsapp/credits/ledger"])
def test_another_store_is_not_found(client, path):
    answer = client.get(f"/api/stores/{uuid4()}/{path}")

    assert (answer.status_code, answer.json()["code"]) == (404, "store_unknown")

"""The catalogue is shown to whoever is signed in, and only a possible slug reaches the database."""

from uuid import uuid4

import pytest

from pideai_host.stores.catalogue import CatalogueEntry
from pideai_host.web.auth import User

SCHEMA = {"type": "object", "properties": {"apiKey": {"type": "string", "writeOnly": True}}}
ENTRY = CatalogueEntry(
    id=uuid4(), slug="whatsapp", name="WhatsApp", description=None, type="notification", version="1.0.0", icon_url=None,
    is_internal=True, is_active=True, config_schema=SCHEMA, required_events=["order.created"], pricing_model="per_use",
    config_version=2, module="whatsapp",
)  # fmt: skip


class Verifier:
    async def verify(self, _: str) -> User:
        return User(uuid4(), "{}")


class Catalogue:
    def __init__(self) -> None:
        self.asked: list[str] = []

    async def list_active(self) -> list[CatalogueEntry]:
        return [ENTRY]

    async def find(self, slug: str) -> CatalogueEntry | None:
        self.asked.append(slug)
        return ENTRY if slug == ENTRY.slug else None


@pytest.fixture
def catalogue():
    return Catalogue()


@pytest.fixture
def client(client_of, catalogue):
    client = client_of(catalogue=catalogue, verifier=Verifier())
    client.headers["authorization"] = "Bearer any"
    return client


def test_the_list_shows_what_a_panel_needs(client):
    assert client.get("/api/plugins").json() == {
        "items": [
            {
                "slug": "whatsapp",
                "name": "WhatsApp",
                "description": None,
                "type": "notification",
                "version": "1.0.0",
                "icon_url": None,
                "pricing_model": "per_use",
                "module": "whatsapp",
                "required_events": ["order.created"],
                "config_schema": SCHEMA,
                "config_version": 2,
                "ordered": False,
                "is_internal": True,
                "is_active": True,
            }
        ]
    }


def test_one_plugin_looks_as_in_the_list(client):
    assert client.get("/api/plugins/whatsapp").json() == client.get("/api/plugins").json()["items"][0]


def test_a_plugin_that_is_not_there_is_named(client):
    response = client.get("/api/plugins/telegram")

    assert (response.status_code, response.json()["code"]) == (404, "plugin_unknown")
    assert "telegram" in response.json()["detail"]


@pytest.mark.parametrize("slug", ["%00", "WhatsApp", "a" * 1_000, "a--b", "events", "%27%3B--", "%C3%B1o"])
def test_what_can_be_no_slug_is_unknown_without_a_query(client, catalogue, slug):
    response = client.get(f"/api/plugins/{slug}")

    assert (response.status_code, catalogue.asked) == (404, [])


def test_answers_are_not_to_be_kept_by_anybody(client):
    assert client.get("/api/plugins").headers["cache-control"] == "no-store"

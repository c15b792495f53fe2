"""The plugins that docs/plugins.md writes down do what it says of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "plugins.md"


@pytest.fixture
def written(monkeypatch) -> Callable[[str], Any]:
    """Return the plugin of the first Python block below a heading."""

    def read(heading: str) -> Any:
        section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
        module = ModuleType("documented")
        monkeypatch.setitem(sys.modules, module.__name__, module)  # where the types' names are looked up
        exec(compile(section.split("```python\n")[1].split("```")[0], str(DOCUMENT), "exec"), vars(module))
        return module.plugin

    return read


@pytest.fixture
async def courier(hosted, written):
    return await hosted({"acme-courier": written("Routes of its own")})


async def test_its_routes_keep_what_they_are_told_for_their_own_store(courier):
    made = await courier.ask("POST", "/acme-courier/zones", json={"name": "Centro"})
    again = await courier.ask("POST", "/acme-courier/zones", json={"name": "Centro"})
    shown = await courier.ask("GET", "/acme-courier/status")

    assert (made.status_code, made.json()) == (201, {"name": "Centro"})
    assert (again.status_code, again.json()["detail"]) == (422, "esa zona ya existe: Centro")
    assert shown.json() == {"store": str(courier.store_id), "city": None, "zones": ["Centro"]}


async def test_its_routes_are_described_under_its_name(courier):
    document = (await courier.client.get("/docs/openapi.json")).json()

    operation = document["paths"]["/api/stores/{store_id}/acme-courier/zones"]["post"]
    assert (operation["operationId"], operation["tags"]) == ("acme_courier_addZone", ["Acme Courier"])
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Zone")

"""The fake of Evolution lives with the WhatsApp package; here it meets the real host and a real database."""

import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

FAKE = Path(__file__).parents[3] / "plugins/pideai-whatsapp/tests/fake_evolution.py"
KEY = "operator-key"


def _fake_evolution() -> Any:
    name = "fake_evolution_for_the_host"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, FAKE)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def canned() -> Any:
    return _fake_evolution().Canned


@pytest.fixture
async def evolution() -> AsyncIterator[Any]:
    fake = _fake_evolution().FakeEvolution(KEY)
    fake.states["arepas-probe"] = "open"
    async with fake:
        yield fake


@pytest.fixture
def operator(evolution: Any) -> dict[str, str]:
    return {"PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_URL": evolution.url, "PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_KEY": KEY}

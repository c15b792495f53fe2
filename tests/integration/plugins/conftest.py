"""The fake of Evolution lives with the WhatsApp package; here it meets the real host and a real database."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from whatsapp_fakes.evolution import Canned, FakeEvolution

KEY = "operator-key"


@pytest.fixture
def canned() -> Any:
    return Canned


@pytest.fixture
async def evolution() -> AsyncIterator[Any]:
    fake = FakeEvolution(KEY)
    fake.states["arepas-probe"] = "open"
    async with fake:
        yield fake


@pytest.fixture
def operator(evolution: Any) -> dict[str, str]:
    return {"PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_URL": evolution.url, "PIDEAI_PLUGIN_WHATSAPP_EVOLUTION_API_KEY": KEY}

"""The README's plugin is a real one: built from its code blocks, found by its entry point, called by the host."""

import importlib
import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest

from pideai_host.api import Address, DeliveryInfo, EventType, OrderStatusPayload, Outcome, PluginEvent
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.records import Status
from pideai_host.plugins.registry import Registry, load_registry


@pytest.fixture
def registry(page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Build the plugin's wheel from the two blocks in an empty folder, unpack it as pip does, and load it alone."""
    readme = page("README.md")
    ((_, target),) = tomllib.loads(readme.blocks("toml")[0])["project"]["entry-points"]["pideai.plugins"].items()
    module = target.partition(":")[0]
    project, installed = tmp_path / "project", tmp_path / "installed"
    (project / "src" / module).mkdir(parents=True)
    (project / "pyproject.toml").write_text(readme.blocks("toml")[0])
    (project / "src" / module / "__init__.py").write_text(readme.blocks("python")[0])
    build = "from hatchling.build import build_wheel; print(build_wheel('.'))"
    run = subprocess.run([sys.executable, "-c", build], cwd=project, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(project / run.stdout.split()[-1]) as wheel:
        wheel.extractall(installed)
    monkeypatch.syspath_prepend(str(installed))
    yield load_registry(None, [str(installed)])
    sys.modules.pop(module, None)
    importlib.invalidate_caches()


def _event(address: Address | None) -> PluginEvent:
    payload = OrderStatusPayload(
        order_id=uuid4(),
        order_number="A1B2C3D4",
        status="ready",
        previous_status="preparing",
        customer_name="Ana",
        customer_phone=None,
        order_type="delivery",
        total=Decimal(12),
        currency="USD",
        delivery_address=address,
    )
    return PluginEvent(
        id=uuid4(), type=EventType.ORDER_READY, store_id=uuid4(), timestamp=datetime.now(UTC), payload=payload
    )


async def _handle(registry: Registry, event: PluginEvent, answer: httpx.Response, seen: list[httpx.Request]):
    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    async def secret(name: str) -> str:
        return {"/apiKey": "k-123"}[name]

    hook = registry.hook("acme-courier", "handle_event")
    assert hook is not None
    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        context = SimpleNamespace(
            http=http, secrets=SimpleNamespace(get=secret), delivery=DeliveryInfo(id=event.id, attempt=1)
        )
        runner = HookRunner()
        try:
            return await runner.call(hook, {"event": event, "config": {}, "context": context}, limit_s=5)
        finally:
            await runner.aclose()


def test_it_is_found_and_ready(registry):
    assert [(record.slug, record.status, record.error) for record in registry.records] == [
        ("acme-courier", Status.READY, None)
    ]


async def test_it_delivers(registry):
    seen: list[httpx.Request] = []
    event = _event(Address(text="Calle 5"))

    result = await _handle(registry, event, httpx.Response(201, json={"id": "p1"}), seen)

    assert (result.resolved, result.data) == (Outcome.DELIVERED, {"pickup": "p1"})
    assert json.loads(seen[0].content) == {"to": "Calle 5", "number": "A1B2C3D4"}
    assert seen[0].headers["idempotency-key"] == str(event.id)
    assert seen[0].headers["authorization"] == "Bearer k-123"


async def test_it_asks_for_another_attempt_when_the_provider_is_down(registry):
    result = await _handle(registry, _event(Address(text="Calle 5")), httpx.Response(503), [])

    assert result.resolved is Outcome.RETRY


async def test_it_skips_what_is_picked_up(registry):
    seen: list[httpx.Request] = []

    result = await _handle(registry, _event(None), httpx.Response(500), seen)

    assert (result.resolved, seen) == (Outcome.DELIVERED, [])

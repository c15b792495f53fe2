"""Fake installed distributions of `tests/dists`, found and imported as pip-installed ones would be."""

import asyncio
import importlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pideai_host.api import PluginDefinition, PluginType, hookimpl
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.registry import Hook, Registry, load_registry

DISTS = Path(__file__).parents[2] / "dists"

Install = Callable[..., list[str]]
Define = Callable[..., PluginDefinition]


@pytest.fixture
def foreground() -> Iterator[None]:
    """SIGINT as a process at a terminal has it: one that a script starts in the background begins with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Put distributions on `sys.path` for one test; returns their folders, in the order given."""
    before = set(sys.modules)

    def put(*cases: str) -> list[str]:
        folders = [str(DISTS / case) for case in cases]
        for folder in reversed(folders):
            monkeypatch.syspath_prepend(folder)
        return folders

    yield put
    for name in set(sys.modules) - before:
        if name.startswith("fake_"):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def load(install: Install) -> Callable[..., Registry]:
    """Load the named distributions and nothing else."""
    return lambda *cases, selection=None: load_registry(selection, paths=install(*cases))


@pytest.fixture
def define() -> Define:
    """Return a valid definition of slug ``sample``, with the given fields replaced."""

    def of(**fields: Any) -> PluginDefinition:
        base = {
            "slug": "sample",
            "name": "Sample",
            "version": "1.0",
            "type": PluginType.NOTIFICATION,
            "subscribed_events": ("order.created",),
        }
        return PluginDefinition(**{**base, **fields})

    return of


@pytest.fixture
def make(define: Define) -> Callable[..., Any]:
    """Return an instance of a plugin class with a definition, a handler, and the given functions as methods."""

    def of(definition: PluginDefinition | None = None, **functions: Any) -> Any:
        async def handle_event(self, event):
            return None

        methods = {
            "plugin_definition": hookimpl(lambda self: definition or define()),
            "handle_event": hookimpl(handle_event),
            **functions,
        }
        return type("Plugin", (), {name: value for name, value in methods.items() if value is not None})()

    return of


@pytest.fixture
async def runner() -> AsyncIterator[HookRunner]:
    """A runner that lets hooks go almost at once."""
    runner = HookRunner(threads_per_plugin=2, grace_s=0.01)
    yield runner
    await runner.aclose()


@pytest.fixture
def hook_of(make: Callable[..., Any]) -> Callable[..., Hook]:
    """Turn a function into the hook that its name says, of a plugin with slug ``sample``."""

    def of(function: Callable[..., Any]) -> Hook:
        registry = Registry.of({"sample": make(**{function.__name__: hookimpl(function)})})
        hook = registry.hook("sample", function.__name__)
        assert hook is not None
        return hook

    return of


@pytest.fixture
def gate() -> Iterator[asyncio.Event]:
    """What a misbehaving hook waits for; set at the end, so that nothing outlives the test."""
    event = asyncio.Event()
    yield event
    event.set()

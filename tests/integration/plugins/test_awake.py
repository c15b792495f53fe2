"""Every process that runs plugins wakes them and lets them rest, and does without one that does not wake."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from pideai_host.plugins.registry import load_registry
from pideai_host.settings import Settings
from pideai_host.web.engine import open_engine
from pideai_host.web.readiness import refused_here

PATIENCE_S = 40.0
DISTS = Path(__file__).parents[2] / "dists"


@pytest.fixture
def notes(tmp_path):
    return tmp_path / "notes"


@pytest.fixture(params=[("serve",), ("worker",)], ids=" ".join)
def process(request, environ, port, notes):
    running = subprocess.Popen(
        [sys.executable, "-m", "pideai_host", *request.param],
        env={
            **environ,
            "PIDEAI_WEBHOOK_SECRETS": "0123456789abcdef",
            "PIDEAI_PLUGINS": "wakes,wake-fails",
            "PIDEAI_PORT": str(port),
            "PIDEAI_WORKER_PORT": str(port),
            "PYTHONPATH": os.pathsep.join(str(DISTS / one) for one in ("wakes", "wake_fails")),
            "SUPABASE_URL": "http://127.0.0.1:9",
            "FAKE_WAKES_NOTES": str(notes),
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield running
    running.kill()
    running.wait()


def get(port, path):
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}{path}", timeout=5, trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < until, "it took too long"


def test_a_process_wakes_plugins_and_lets_them_rest_and_does_without_one_that_fails(process, port, notes):
    assert get(port, "/health/live").is_success
    webhook = get(port, "/webhooks/plugins/wake-fails/6f1cf03e-4b0f-4c0e-9d3e-0d3e8f6a1d11").status_code
    woke = notes.read_text()
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)

    assert webhook == (404 if "worker" in process.args else 503)  # a worker has no such door
    assert (woke, notes.read_text()) == ("wakes\n", "wakes\nrests\n")


@pytest.mark.parametrize("with_worker", [True, False], ids=["with a worker", "without"])
async def test_an_engine_does_without_a_plugin_that_did_not_wake(database, monkeypatch, notes, with_worker):
    monkeypatch.setenv("FAKE_WAKES_NOTES", str(notes))
    folders = [str(DISTS / one) for one in ("wakes", "wake_fails")]
    for folder in folders:
        monkeypatch.syspath_prepend(folder)
    settings = Settings(database_url=database.runtime_url, embedded=False, master_keys=(("k1", b"k" * 32),))
    async with open_engine(settings, load_registry(paths=folders), with_worker=with_worker) as engine:
        assert list(engine.registry.definitions) == ["wakes"]
        assert refused_here(engine.registry.records) == {"wake-fails": "it did not wake: RuntimeError: too early"}
        if engine.worker is not None:
            assert engine.worker.missing_lanes == {"pideai_wakes", "pideai_wakes__bulk"}
        assert notes.read_text() == "wakes\n"

    assert notes.read_text() == "wakes\nrests\n"

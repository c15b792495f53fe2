"""`pideai-host serve` as a process: it stops when it is told to, at whatever moment, and leaves nothing behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

PATIENCE_S = 40.0
DISTS = Path(__file__).parents[2] / "dists"


@pytest.fixture
def environ(environ, port):
    return {
        **environ,
        "PIDEAI_WEBHOOK_SECRETS": "0123456789abcdef",
        "PIDEAI_PORT": str(port),
        "PIDEAI_PLUGINS": "webhook-bridge,interrupts",
        "PYTHONPATH": str(DISTS / "interrupts"),
        "SUPABASE_URL": "http://127.0.0.1:9",
    }


@pytest.fixture
def host(environ, port):
    """A process that has said that it starts to listen."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pideai_host", "serve", "--no-worker"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    while "Listening" not in (line := process.stdout.readline()):
        assert line, "it ended before it listened"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def is_up(port):
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/live", timeout=2, trust_env=False).is_success
    except httpx.TransportError:
        return False


def wait_until(condition):
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, "it took too long"


@pytest.mark.parametrize("answers", [0, 1], ids=["while it boots", "once it serves"])
def test_it_stops_when_told_to(host, port, answers):
    if answers:
        wait_until(lambda: is_up(port))
    host.send_signal(signal.SIGTERM)
    host.wait(PATIENCE_S)

    assert not is_up(port)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_host_leaves_its_port(host, port):
    wait_until(lambda: is_up(port))
    host.kill()
    host.wait(PATIENCE_S)
    wait_until(lambda: not is_up(port))

    assert host.returncode == -signal.SIGKILL


def test_no_plugin_ends_it_whatever_it_raises(host, port):
    wait_until(lambda: is_up(port))

    def call(what):
        return httpx.get(f"http://127.0.0.1:{port}/webhooks/plugins/interrupts?{what}", trust_env=False).status_code

    kinds, places = ("exit", "interrupt", "close"), ("hook", "task", "group", "thread")
    told = {call(f"{kind}.{where}") for kind in kinds for where in places}
    left = {call(f"{kind}.left") for kind in kinds}

    assert (told, left, call("nothing"), host.poll()) == ({503}, {200}, 200, None)

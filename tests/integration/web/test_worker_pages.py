"""`pideai-host worker` answers for its metrics and its health, where it was given a port."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

TOKEN = "0123456789abcdef"


@pytest.fixture
def environ(environ, port):
    return {
        **environ,
        "PIDEAI_PLUGINS": "webhook-bridge",
        "PIDEAI_LOG_FORMAT": "json",
        "PIDEAI_WORKER_PORT": str(port),
    }


@pytest.fixture
def worker(environ) -> Iterator[subprocess.Popen]:
    """A worker that has started, with a token for its metrics."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pideai_host", "worker"],
        env={**environ, "PIDEAI_METRICS_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "worker_started" not in (line := process.stderr.readline()):
        assert line, "it ended before it had started"
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=40)
    assert process.returncode == 0


def test_it_tells_how_it_is(worker, port):
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        live, ready = client.get("/health/live"), client.get("/health/ready")
        refused, told = client.get("/metrics"), client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        other = client.get("/metrics", headers={"authorization": "Bearer no"}), client.post("/metrics"), client.get("/")

    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "reasons": {}})
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")
    assert (told.status_code, told.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert 'pideai_pool_max{pool="pideai-host-engine"} 10.0' in told.text
    assert [answer.status_code for answer in other] == [401, 405, 404]


def test_a_port_that_is_taken_is_said_in_one_line(environ, port):
    with socket.create_server(("127.0.0.1", port)):
        run = subprocess.run(
            [sys.executable, "-m", "pideai_host", "worker"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert run.returncode == 1
    assert f"error: cannot listen on 127.0.0.1 port {port}" in run.stderr
    assert "hint: Set PIDEAI_WORKER_PORT" in run.stderr

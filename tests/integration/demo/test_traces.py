"""One trace from webhook to provider, through real processes: the demo's host and worker send theirs to a collector."""

import os
import subprocess
import sys

import pytest
from tests.collector import Collector


@pytest.mark.timeout(240)
def test_host_and_worker_write_one_trace_from_the_webhook_to_the_receiver(open_dir):
    with Collector() as collector:
        environ = {
            "PIDEAI_DATA_DIR": str(open_dir / "data"),
            "COLUMNS": "160",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.base,
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
        }
        run = subprocess.run(
            [sys.executable, "-m", "pideai_host", "demo"],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        spans = collector.spans()

    by_id = {one.span_id: one for one in spans}
    assert len({resource["process.pid"] for resource in collector.resources()}) == 2
    ways = set()
    for request in (one for one in spans if one.kind == "client"):
        way, at = [], request
        while at is not None:
            assert at.trace_id == request.trace_id
            way.append(at.name)
            at = by_id.get(at.parent_id)
        ways.add(tuple(reversed(way)))
    assert (
        "POST /webhooks/supabase",
        "event order.created",
        "deliver webhook-bridge",
        "webhook-bridge handle_event",
        "POST",
    ) in ways
    tries = [
        one for one in spans if one.name == "deliver webhook-bridge" and one.attributes["pideai.outcome"] == "retry"
    ]
    assert len(tries) == 2, "the receiver turns the first order.created away twice"

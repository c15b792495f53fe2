"""Tracing is nothing until it is wanted, harms nobody when its collector is away, and says nothing that is secret."""

import json
import socket
import subprocess
import sys
import threading
import time

import pytest
from tests.collector import Collector

from pideai_host.api import ConfigurationError
from pideai_host.telemetry import get_logger, set_up, tracing
from pideai_host.telemetry.metrics import REGISTRY


@pytest.fixture(autouse=True)
def _off_afterwards(log_as_before):
    yield
    tracing.shut_down(0.0)


def test_nothing_of_opentelemetry_is_imported_while_nothing_is_traced():
    code = (
        "import sys, pideai_host.web.app, pideai_host.cli.serve\n"
        "from pideai_host.telemetry import tracing\n"
        "tracing.set_up(None)\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')], tracing.active)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[] None"


def test_without_the_packages_an_endpoint_is_refused_with_what_to_install(monkeypatch):
    monkeypatch.setattr(tracing, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError) as raised:
        tracing.set_up("http://127.0.0.1:4318/v1/traces")

    assert "pideai-host[otel]" in raised.value.hint


def test_a_line_of_the_log_names_the_span_that_it_was_written_in(collector: Collector, capsys):
    set_up(log_format="json")
    with tracing.active.span("outer"):
        get_logger("m").info("inside")
    get_logger("m").info("outside")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    [span] = collector.spans()
    told = {line["event"]: (line.get("trace_id"), line.get("span_id")) for line in lines}
    assert told == {"inside": (span.trace_id, span.span_id), "outside": (None, None)}


def test_an_error_is_named_by_its_class_alone(collector: Collector):
    with pytest.raises(ValueError, match="secret"), tracing.active.span("fails"):
        raise ValueError("a secret of somebody's")

    [span] = collector.spans()
    assert (span.is_error, span.attributes) == (True, {"error.type": "ValueError"})
    assert b"somebody" not in b"".join(collector.bodies)


def test_the_service_is_named_by_opentelemetry_s_own_variables(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "the-host")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=k1")
    with Collector() as collector:
        tracing.set_up(collector.url)
        with tracing.active.span("one"):
            pass
        tracing.shut_down()

    [resource] = collector.resources()
    assert (resource["service.name"], resource["deployment.environment"]) == ("the-host", "test")
    assert collector.headers[0]["x-key"] == "k1"


@pytest.mark.parametrize("sampler", ["always_on", "traceidratio", "parentbased_always_on"])
def test_below_what_was_not_recorded_no_sampler_records(monkeypatch, sampler):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    with Collector() as collector:
        tracing.set_up(collector.url)
        with tracing.active.within(None), tracing.active.span("a"), tracing.active.span("b"):
            assert tracing.current() is None
        tracing.shut_down()

    assert collector.spans() == []


def test_a_collector_that_hangs_keeps_nobody_waiting_and_its_queue_is_bounded(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # takes connections, and never answers
        tracing.set_up(f"http://127.0.0.1:{hanging.getsockname()[1]}/v1/traces")
        sending = tracing.active._provider._active_span_processor._span_processors[0]._batch_processor
        made = threading.Event()

        def make() -> None:
            for _ in range(5_000):
                tracing.active.start("one").end()
            made.set()

        threading.Thread(target=make, daemon=True).start()
        assert made.wait(60), "whoever makes spans waited for the collector"
        assert len(sending._queue) <= 2_048
        began_s = time.monotonic()
        tracing.shut_down(0.1)
        assert (tracing.active, time.monotonic() - began_s < 30) == (None, True)
    sending._exporter.shutdown()
    sending._worker_thread.join(60)
    assert not sending._worker_thread.is_alive(), "it would draw its jitter while hypothesis draws for another test"


def test_what_the_collector_does_not_take_is_counted_and_told_once(capsys):
    set_up(log_format="json")

    def lost() -> float:
        return REGISTRY.get_sample_value("pideai_spans_exported_total", {"result": "lost"}) or 0.0

    before = lost()
    with Collector(status=400) as collector:
        tracing.set_up(collector.url)
        for _ in range(2):
            tracing.active.start("one").end()
            tracing.active._provider.force_flush()
        collector.status = 200
        tracing.active.start("one").end()
        tracing.active._provider.force_flush()
        tracing.shut_down()

    assert lost() - before == 2
    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told == ["traces_not_taken", "traces_taken_again"]


def test_a_sampler_that_there_is_not_is_told(monkeypatch, capsys):
    set_up(log_format="json")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "some")
    with Collector() as collector:
        tracing.set_up(collector.url)
        tracing.shut_down()

    assert "some" in capsys.readouterr().err


def test_variables_that_contradict_each_other_are_refused_with_a_hint(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "99999")
    with pytest.raises(ConfigurationError, match="cannot use its variables") as raised:
        tracing.set_up("http://127.0.0.1:1/v1/traces")

    assert raised.value.hint

"""Metrics are written in Prometheus' format."""

import sys

import pytest

from pideai_host.telemetry import QUARANTINED, exposition


def test_counters_are_written_by_label() -> None:
    QUARANTINED.labels(reason="a test").inc(3)

    assert b'pideai_quarantined_total{reason="a test"} 3.0' in exposition()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells it")
def test_the_process_itself_is_told_of() -> None:
    assert b"process_resident_memory_bytes" in exposition()

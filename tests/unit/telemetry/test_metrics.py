"""Metrics are written in Prometheus' format."""

from pideai_host.telemetry import QUARANTINED, exposition


def test_counters_are_written_by_label() -> None:
    QUARANTINED.labels(reason="a test").inc(3)

    assert b'pideai_quarantined_total{reason="a test"} 3.0' in exposition()

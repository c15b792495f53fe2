"""Whether and where traces go is read from OpenTelemetry's own variables."""

import pytest

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings

BASE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        (BASE, "http://collector:4318/v1/traces"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector/otlp/"}, "http://collector/otlp/v1/traces"),
        ({**BASE, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t.example.com/in"}, "https://t.example.com/in"),
        ({**BASE, "OTEL_SDK_DISABLED": "true"}, None),
        ({**BASE, "OTEL_TRACES_EXPORTER": "none"}, None),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, None),
    ],
)
def test_where_traces_go(environ, expected):
    assert Settings.from_env(environ).traces_endpoint == expected


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({**BASE, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER"),
        ({"PIDEAI_TRACE_HOSTS": "https://a.example.com"}, "PIDEAI_TRACE_HOSTS"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(environ, named):
    with pytest.raises(ConfigurationError, match=named):
        Settings.from_env(environ)


def test_hosts_are_read_in_lower_case():
    told = Settings.from_env({"PIDEAI_TRACE_HOSTS": "API.example.com, .internal.example"}).trace_hosts

    assert told == {"api.example.com", ".internal.example"}

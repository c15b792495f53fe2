"""Reads where traces go: of OpenTelemetry's own variables those that decide whether there are any."""

import re
from collections.abc import Mapping
from typing import Final

from pideai_host.api.errors import ConfigurationError
from pideai_host.settings import read

PROTOCOL: Final = "http/protobuf"
_PATH: Final = "/v1/traces"
_HOST: Final = re.compile(r"\.?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def traces_endpoint(environ: Mapping[str, str]) -> str | None:
    """Return where traces are sent; None where no endpoint is set, or the variables say that nothing is traced.

    Raises:
        ConfigurationError: an endpoint is no URL, or what takes it speaks a protocol that the host does not.
    """
    whole = read.http_url(environ, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = read.http_url(environ, "OTEL_EXPORTER_OTLP_ENDPOINT")
    is_disabled = read.choice(environ, "OTEL_SDK_DISABLED", "false", ("true", "false")) == "true"
    exporter = read.choice(environ, "OTEL_TRACES_EXPORTER", "otlp", ("otlp", "none"))
    protocols = [
        read.text(environ, name) or PROTOCOL
        for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
    ]
    endpoint = whole or (base and base + _PATH)
    if endpoint is None or is_disabled or exporter == "none":
        return None
    if set(protocols) != {PROTOCOL}:
        raise ConfigurationError(
            "traces go out by OTLP over HTTP alone, and OTEL_EXPORTER_OTLP_PROTOCOL says otherwise",
            hint=f"Set it to {PROTOCOL}, and the endpoint to the collector's HTTP port, mostly 4318.",
        )
    return endpoint


def trace_hosts(environ: Mapping[str, str], name: str) -> frozenset[str]:
    """Return hosts by name; one that begins with a dot stands for all below it."""
    told = frozenset(item.lower() for item in read.items(environ, name))
    if not all(_HOST.fullmatch(host) for host in told):
        raise ConfigurationError(f"{name} must list hosts such as api.example.com or .example.com, with commas between")
    return told

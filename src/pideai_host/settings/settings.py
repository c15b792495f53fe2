"""The host's settings: one frozen value, read from the environment once, at the edge."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast

import msgspec
from platformdirs import user_data_path

from pideai_host.settings import read
from pideai_host.settings.traces import trace_hosts, traces_endpoint

LogFormat = Literal["console", "json"]

SYSTEM_DATA_DIR = Path("/var/lib/pideai-host")

_SECRET_FIELDS = (
    "database_url",
    "admin_database_url",
    "webhook_secrets",
    "metrics_tokens",
    "master_keys",
    "legacy_jwt_secret",
    "supabase_service_key",
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator set; prints itself without secrets.

    Attributes:
        database_url: DATABASE_URL, the runtime role's; None while `embedded` and not started.
        admin_database_url: ADMIN_DATABASE_URL, the owner's. If only one of the two is given it serves both.
        database_variable: The variable that `database_url` came from, for messages.
        admin_database_variable: The variable that `admin_database_url` came from.
        embedded: Neither was given: the host runs a server of its own in `data_dir`.
        data_dir: PIDEAI_DATA_DIR; by default the user's data folder, as root /var/lib/pideai-host.
        host: PIDEAI_HOST, the address to listen on.
        port: PIDEAI_PORT; 0 takes any free one.
        worker_host: PIDEAI_WORKER_HOST, the address that a worker process listens on.
        worker_port: PIDEAI_WORKER_PORT, where it answers for its metrics and its health; None for nowhere.
        plugins: PIDEAI_PLUGINS, slugs to load; None for all that are installed, empty for none of them.
        webhook_secrets: PIDEAI_WEBHOOK_SECRETS, any of which lets a database webhook in.
        master_keys: PIDEAI_MASTER_KEYS, pairs of id and 32 bytes, the first one seals. Empty if not given: see
            `ensure_master_keys`.
        supabase_url: SUPABASE_URL, without trailing slash.
        jwks_url: SUPABASE_JWKS_URL; by default the project's.
        jwt_issuer: SUPABASE_JWT_ISSUER; by default the project's.
        jwt_audience: SUPABASE_JWT_AUDIENCE.
        token_checks: PIDEAI_TOKEN_CHECKS, the ways in which users' tokens are judged.
        legacy_jwt_secret: PIDEAI_LEGACY_JWT_SECRET, the HS256 secret; set if and only if shared_secret is such a way.
        jwks_stale_max_s: PIDEAI_JWKS_STALE_MAX_S, for how long signing keys that cannot be refreshed are trusted.
        supabase_service_key: SUPABASE_SERVICE_ROLE_KEY.
        http_allow: PIDEAI_HTTP_ALLOW, private networks that plugins may reach nevertheless.
        log_level: PIDEAI_LOG_LEVEL.
        log_format: PIDEAI_LOG_FORMAT.
        pool_min_size: PIDEAI_POOL_MIN_SIZE, connections of one process that stay open.
        pool_max_size: PIDEAI_POOL_MAX_SIZE, connections of one process at most.
        cors_origins: PIDEAI_CORS_ORIGINS, where the panel is served from.
        plan_gate: PIDEAI_PLAN_GATE, whether a store's plan is asked for the module that a plugin names.
        retention_days: PIDEAI_RETENTION_DAYS, age at which events and deliveries are dropped, week by week.
        audit_days: PIDEAI_AUDIT_DAYS, age at which lines of the audit trail are forgotten.
        trusted_proxies: PIDEAI_TRUSTED_PROXIES, whose word on a client's address is believed.
        metrics_tokens: PIDEAI_METRICS_TOKEN, any of which lets its bearer read the metrics.
        traces_endpoint: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, or OTEL_EXPORTER_OTLP_ENDPOINT with the path that belongs
            to it; None where nothing is traced.
        trace_hosts: PIDEAI_TRACE_HOSTS, hosts that plugins' requests tell of the trace that they belong to.
        user_requests_per_min: PIDEAI_USER_REQUESTS_PER_MIN, requests of one user to the API; 0 for no limit.
        store_requests_per_min: PIDEAI_STORE_REQUESTS_PER_MIN, requests below one store; 0 for no limit.
        sweep_interval_s: PIDEAI_SWEEP_INTERVAL_S, how often the shop's tables are searched for what no door brought.
    """

    database_url: str | None = None
    admin_database_url: str | None = None
    database_variable: str = "DATABASE_URL"
    admin_database_variable: str = "ADMIN_DATABASE_URL"
    embedded: bool = True
    data_dir: Path = SYSTEM_DATA_DIR
    host: str = "127.0.0.1"
    port: int = 8080
    worker_host: str = "127.0.0.1"
    worker_port: int | None = None
    plugins: frozenset[str] | None = None
    webhook_secrets: tuple[str, ...] = ()
    master_keys: read.MasterKeys = ()
    supabase_url: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str | None = None
    jwt_audience: str = "authenticated"
    token_checks: frozenset[read.TokenCheck] = frozenset({"jwks"})
    legacy_jwt_secret: str | None = None
    jwks_stale_max_s: int = 21_600
    supabase_service_key: str | None = None
    http_allow: tuple[read.Network, ...] = ()
    log_level: str = "info"
    log_format: LogFormat = "console"
    pool_min_size: int = 2
    pool_max_size: int = 10
    cors_origins: tuple[str, ...] = ()
    plan_gate: bool = True
    retention_days: int = 90
    audit_days: int = 730
    trusted_proxies: tuple[read.Network, ...] = ()
    metrics_tokens: tuple[str, ...] = ()
    traces_endpoint: str | None = None
    trace_hosts: frozenset[str] = frozenset()
    user_requests_per_min: int = 600
    store_requests_per_min: int = 1200
    sweep_interval_s: int = 60

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the environment; touches no file and no network.

        Raises:
            ConfigurationError: a variable cannot be used; names it, never its value.
        """
        runtime, admin = read.unless_blank(environ, "DATABASE_URL"), read.unless_blank(environ, "ADMIN_DATABASE_URL")
        supabase_url = read.http_url(environ, "SUPABASE_URL")
        pool_max_size = read.integer(environ, "PIDEAI_POOL_MAX_SIZE", 10, least=2, most=500)
        token_checks = read.token_checks(environ, "PIDEAI_TOKEN_CHECKS")
        return cls(
            database_url=runtime or admin,
            admin_database_url=admin or runtime,
            database_variable="DATABASE_URL" if runtime else "ADMIN_DATABASE_URL",
            admin_database_variable="ADMIN_DATABASE_URL" if admin else "DATABASE_URL",
            embedded=not (runtime or admin),
            data_dir=_data_dir(environ),
            host=read.text(environ, "PIDEAI_HOST") or "127.0.0.1",
            port=read.integer(environ, "PIDEAI_PORT", 8080, least=0, most=65535),
            worker_host=read.text(environ, "PIDEAI_WORKER_HOST") or "127.0.0.1",
            worker_port=_port(environ, "PIDEAI_WORKER_PORT"),
            plugins=read.plugin_slugs(environ, "PIDEAI_PLUGINS"),
            webhook_secrets=read.webhook_secrets(environ, "PIDEAI_WEBHOOK_SECRETS"),
            master_keys=read.master_keys(read.items(environ, "PIDEAI_MASTER_KEYS"), "PIDEAI_MASTER_KEYS"),
            supabase_url=supabase_url,
            jwks_url=read.http_url(environ, "SUPABASE_JWKS_URL")
            or _below(supabase_url, "/auth/v1/.well-known/jwks.json"),
            jwt_issuer=read.text(environ, "SUPABASE_JWT_ISSUER") or _below(supabase_url, "/auth/v1"),
            jwt_audience=read.text(environ, "SUPABASE_JWT_AUDIENCE") or "authenticated",
            token_checks=token_checks,
            legacy_jwt_secret=read.legacy_jwt_secret(
                environ, "PIDEAI_LEGACY_JWT_SECRET", is_used="shared_secret" in token_checks
            ),
            jwks_stale_max_s=read.integer(environ, "PIDEAI_JWKS_STALE_MAX_S", 21_600, least=600, most=604_800),
            supabase_service_key=read.text(environ, "SUPABASE_SERVICE_ROLE_KEY"),
            http_allow=read.networks(environ, "PIDEAI_HTTP_ALLOW"),
            log_level=read.choice(environ, "PIDEAI_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
            log_format=cast("LogFormat", read.choice(environ, "PIDEAI_LOG_FORMAT", "console", ("console", "json"))),
            pool_min_size=read.integer(environ, "PIDEAI_POOL_MIN_SIZE", 2, least=1, most=pool_max_size),
            pool_max_size=pool_max_size,
            cors_origins=read.origins(environ, "PIDEAI_CORS_ORIGINS"),
            plan_gate=read.choice(environ, "PIDEAI_PLAN_GATE", "on", ("on", "off")) == "on",
            retention_days=read.integer(environ, "PIDEAI_RETENTION_DAYS", 90, least=15, most=3650),
            audit_days=read.integer(environ, "PIDEAI_AUDIT_DAYS", 730, least=90, most=3650),
            trusted_proxies=read.networks(environ, "PIDEAI_TRUSTED_PROXIES"),
            metrics_tokens=read.webhook_secrets(environ, "PIDEAI_METRICS_TOKEN"),
            traces_endpoint=traces_endpoint(environ),
            trace_hosts=trace_hosts(environ, "PIDEAI_TRACE_HOSTS"),
            user_requests_per_min=read.integer(environ, "PIDEAI_USER_REQUESTS_PER_MIN", 600, least=0, most=1_000_000),
            store_requests_per_min=read.integer(
                environ, "PIDEAI_STORE_REQUESTS_PER_MIN", 1200, least=0, most=1_000_000
            ),
            sweep_interval_s=read.integer(environ, "PIDEAI_SWEEP_INTERVAL_S", 60, least=1, most=3600),
        )

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """List the fields for `repr` and rich; of secrets only whether they are set."""
        fields = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return [(name, "[set]" if value and name in _SECRET_FIELDS else value) for name, value in fields]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"


def _data_dir(environ: Mapping[str, str]) -> Path:
    told = read.text(environ, "PIDEAI_DATA_DIR")
    if told is not None:
        return Path(told).expanduser().absolute()
    return SYSTEM_DATA_DIR if os.geteuid() == 0 else user_data_path("pideai-host", appauthor=False)


def _port(environ: Mapping[str, str], name: str) -> int | None:
    return None if read.text(environ, name) is None else read.integer(environ, name, 0, least=0, most=65535)


def _below(base: str | None, path: str) -> str | None:
    return base + path if base else None

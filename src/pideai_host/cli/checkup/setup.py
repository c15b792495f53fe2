"""What can be told without a database: plugins, keys, doors, and whoever else the host asks."""

import asyncio
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

import httpx

from pideai_host.api.errors import PideaiError
from pideai_host.cli.checkup.findings import Finding, fault, note, ok, warning
from pideai_host.plugins.records import LoadRecord, Status
from pideai_host.plugins.registry import Registry
from pideai_host.settings import Settings, ensure_master_keys
from pideai_host.telemetry import tracing
from pideai_host.web.identity import require_identity

ANSWER_S = 5.0


def of_plugins(registry: Registry) -> Iterator[Finding]:
    """Tell which plugins load, and why others do not."""
    yield from of_records(registry.records)
    loaded = sorted(registry.definitions)
    if loaded:
        yield ok("plugins", f"{len(loaded)} loaded: {', '.join(loaded)}")
    else:
        yield fault(
            "plugins", "none is loaded, so nothing is delivered", "Install some beside the host; see PIDEAI_PLUGINS."
        )


def of_records(records: Iterable[LoadRecord], *, only: Collection[str] | None = None) -> Iterator[Finding]:
    """Tell why plugins do not load, or not wholly.

    Args:
        records: Of all that were found.
        only: Slugs to tell of; None for all.
    """
    for record in records:
        if record.status in (Status.READY, Status.SKIPPED) or (only is not None and record.slug not in only):
            continue
        from_ = f" (of {record.distribution} {record.version})" if record.distribution else ""
        reason = (record.error or "no reason given").splitlines()[0]
        said = f"{record.slug}{from_} is {record.status}, at {record.phase}: {reason}"
        tell = warning if record.status is Status.PARTIAL else fault
        yield tell("plugin", said, "`pideai-host --debug plugins list` shows where; the others work without it.")


def of_keys(settings: Settings) -> Iterator[Finding]:
    """Tell whether secrets can be sealed and opened."""
    try:
        if settings.master_keys or not settings.embedded:
            ensure_master_keys(settings)
        yield ok("keys", "master keys are set" if settings.master_keys else "the data folder holds the master key")
    except PideaiError as error:
        yield Finding.of("keys", error)


def of_doors(settings: Settings) -> Iterator[Finding]:
    """Tell who would not be let in."""
    try:
        require_identity(settings)
    except PideaiError as error:
        yield Finding.of("users", error)
    if settings.webhook_secrets:
        yield ok("webhook", "PIDEAI_WEBHOOK_SECRETS is set")
    else:
        yield warning(
            "webhook",
            "PIDEAI_WEBHOOK_SECRETS is not set: every database webhook gets 401",
            "Set it to what the webhook sends as X-PideAI-Webhook-Secret, or have capture bring changes alone.",
        )


async def of_others(settings: Settings, *, of_server: bool) -> list[Finding]:
    """Ask whoever the host asks over the network: where signing keys are, where traces go."""
    return [*(await _keys(settings) if of_server else ()), *await _collector(settings)]


async def _keys(settings: Settings) -> list[Finding]:
    if settings.jwks_url is None or "jwks" not in settings.token_checks:
        return []
    where = f"the signing keys at {urlsplit(settings.jwks_url).netloc}"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_S) as client:
            answer = await client.get(settings.jwks_url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [fault("users", f"{where} cannot be read: {type(error).__name__}", "Is SUPABASE_URL right?")]
    count = _count_of_keys(answer)
    if count is None:
        said = f"{where} are no key set (status {answer.status_code})"
        return [fault("users", said, "Is SUPABASE_URL the project's, https://<ref>.supabase.co?")]
    if not count:
        hint = "It still signs with HS256: set PIDEAI_TOKEN_CHECKS=user_lookup, see docs/settings.md."
        return [fault("users", f"{where}: the project has none, so no user can be let in", hint)]
    return [ok("users", f"{where}: {count} loaded")]


def _count_of_keys(answer: httpx.Response) -> int | None:
    """Count the keys of an answer; None if it is no key set."""
    try:
        keys = answer.json()["keys"] if answer.is_success else None
    except (ValueError, KeyError, TypeError):
        return None
    return len(keys) if isinstance(keys, list) else None


async def _collector(settings: Settings) -> list[Finding]:
    if settings.traces_endpoint is None:
        return [note("traces", "nothing is traced; OTEL_EXPORTER_OTLP_ENDPOINT is not set")]
    try:
        tracing.require(settings.traces_endpoint)
    except PideaiError as error:
        return [Finding.of("traces", error)]
    parts = urlsplit(settings.traces_endpoint)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(ANSWER_S):
            _, writer = await asyncio.open_connection(parts.hostname, port)
        writer.close()
    except (OSError, TimeoutError) as error:
        said = f"the collector of traces at {parts.hostname}:{port} does not answer: {type(error).__name__}"
        return [
            warning("traces", said, "Spans are dropped; nothing else suffers. Is OTEL_EXPORTER_OTLP_ENDPOINT right?")
        ]
    return [ok("traces", f"go to {parts.hostname}:{port}")]

"""Which headers of an answer are a plugin's to give: what guards browsers, frames messages or names requests is not."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from pideai_host.api import PluginFault

RawHeaders = list[tuple[bytes, bytes]]

HEADERS_MAX_BYTES: Final = 32_768

_HOSTS: Final = frozenset(
    {
        b"alt-svc",
        b"cache-control",
        b"clear-site-data",
        b"connection",
        b"content-length",
        b"content-security-policy",
        b"content-security-policy-report-only",
        b"date",
        b"idempotency-replayed",
        b"keep-alive",
        b"nel",
        b"origin-agent-cluster",
        b"permissions-policy",
        b"proxy-authenticate",
        b"ratelimit",
        b"ratelimit-policy",
        b"referrer-policy",
        b"refresh",
        b"report-to",
        b"reporting-endpoints",
        b"server",
        b"service-worker-allowed",
        b"set-cookie",
        b"strict-transport-security",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"www-authenticate",
        b"x-content-type-options",
        b"x-frame-options",
        b"x-request-id",
        b"x-sendfile",
    }
)
_HOSTS_BEGIN: Final = (b"access-control-", b"cross-origin-", b"x-accel-")
"""The last: a proxy before us would act upon it."""
PROVIDERS_MAY_NEED: Final = frozenset({b"cache-control", b"www-authenticate"})
"""No page of the panel's reads what a provider's call is answered."""
_NAME: Final = re.compile(rb"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE: Final = re.compile(rb"[\t\x20-\x7e\x80-\xff]*")


def theirs(raw: Iterable[tuple[bytes, bytes]], *, slug: str, also: Collection[bytes] = ()) -> RawHeaders:
    """Return the headers that a plugin may give, of those that it gave; the host's own are left out.

    Args:
        raw: As given, names in any case.
        slug: The plugin.
        also: Names of the host's that it may give here.

    Raises:
        PluginFault: one cannot be sent, or they are too large.
    """
    lower = [(name.lower(), value) for name, value in raw]
    kept = [(name, value) for name, value in lower if name in also or not _is_hosts(name)]
    for name, value in kept:
        if _NAME.fullmatch(name) is None or _VALUE.fullmatch(value) is None:
            raise PluginFault(f"{slug}: answered with a header that cannot be sent", slug=slug)
    if sum(len(name) + len(value) for name, value in kept) > HEADERS_MAX_BYTES:
        raise PluginFault(f"{slug}: answered with more than {HEADERS_MAX_BYTES} bytes of headers", slug=slug)
    return kept


def encoded(headers: Mapping[str, object]) -> RawHeaders:
    """Return headers as they go out; what no header can hold becomes `?`."""
    return [
        (str(name).encode("latin-1", "replace"), str(value).encode("latin-1", "replace"))
        for name, value in headers.items()
    ]


def _is_hosts(name: bytes) -> bool:
    return name in _HOSTS or name.startswith(_HOSTS_BEGIN)

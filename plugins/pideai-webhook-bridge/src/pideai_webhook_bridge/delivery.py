"""One POST, and what its end means for the delivery.

2xx                                  delivered
any other status, 3xx included       retry, after the receiver's Retry-After for 429 and 503
no connection                        retry
connected, and no status came        unknown: it may have been received (the host repeats it, same webhook-id)
a URL that is refused                failed
"""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from pideai_host.api import (
    RESPONSE_BODY_MAX_CHARS,
    AddressRefused,
    PluginContext,
    PluginEventResult,
    delivered,
    failed,
    retry,
    unknown,
)

TIMEOUT: Final = httpx.Timeout(15.0, connect=5.0)
"""Standard Webhooks asks for 15 to 30 s."""

BODY_LIMIT_S: Final = 5.0
"""How long the body of an answer may take, once its status is there: what is kept of it is for people to read."""

RETRY_AFTER_MAX_S: Final = 86_400.0

_SAYS_WHEN: Final = frozenset({429, 503})
_SECONDS: Final = re.compile(r"[0-9]+")
_BODY_BYTES: Final = 4 * RESPONSE_BODY_MAX_CHARS


async def post(
    context: PluginContext, url: str, *, headers: Mapping[str, str], body: bytes, now: datetime
) -> PluginEventResult:
    """Send a webhook and tell its outcome; raises nothing of httpx.

    Args:
        context: For its client, and its log of what does not change the outcome.
        url: Where to.
        headers: All that the receiver needs, the signature included.
        body: What was signed.
        now: Against which a Retry-After that is a date is measured; aware.
    """
    try:
        async with context.http.stream("POST", url, headers=headers, content=body, timeout=TIMEOUT) as response:
            text = await _first_part(response, context)
    except AddressRefused as refusal:
        return failed(refusal.message)
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as fault:
        return failed(str(fault))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
        return retry(str(fault))
    except httpx.TransportError as fault:
        return unknown(str(fault))
    return classify(response.status_code, response.headers, text, now=now)


def classify(status: int, headers: Mapping[str, str], body: str, *, now: datetime) -> PluginEventResult:
    """Return the outcome that a receiver's answer stands for."""
    if 200 <= status < 300:  # noqa: PLR2004 - as HTTP counts
        return delivered(response_code=status, response_body=body)
    why = f"the receiver answered {status}"
    if 300 <= status < 400:  # noqa: PLR2004 - as HTTP counts
        why += "; redirects are not followed"
    after_s = None
    if status in _SAYS_WHEN:  # a date there is by the receiver's clock, which may go otherwise than ours
        after_s = retry_after_s(headers.get("retry-after"), now=_instant(headers.get("date")) or now)
    return retry(why, retry_after_s=after_s, response_code=status, response_body=body)


def retry_after_s(text: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After, seconds or an HTTP date; None when there is none that can be read, at most a day."""
    if text is None:
        return None
    text = text.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), RETRY_AFTER_MAX_S)
    at = _instant(text)
    try:
        return None if at is None else min(max((at - now).total_seconds(), 0.0), RETRY_AFTER_MAX_S)
    except OverflowError:
        return None


def _instant(text: str | None) -> datetime | None:
    """Read an HTTP date; None when there is none that can be read."""
    try:
        at = parsedate_to_datetime(text or "")
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


async def _first_part(response: httpx.Response, context: PluginContext) -> str:
    """Return what the delivery log keeps of the body; the status stands, whatever becomes of the rest."""
    try:
        part = response.content  # mostly it came with its head
    except httpx.ResponseNotRead:
        part = await _read_part(response, context)
    # PostgreSQL stores no NUL.
    return part[:_BODY_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")[:RESPONSE_BODY_MAX_CHARS]


async def _read_part(response: httpx.Response, context: PluginContext) -> bytes:
    part = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            async for chunk in response.aiter_bytes():
                part += chunk
                if len(part) >= _BODY_BYTES:
                    break
    except (httpx.HTTPError, TimeoutError) as fault:
        context.log.debug("webhook_body_unreadable", status=response.status_code, error=str(fault))
    return bytes(part)

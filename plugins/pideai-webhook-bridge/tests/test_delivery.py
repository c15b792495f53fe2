import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_webhook_bridge import delivery
from pideai_webhook_bridge.delivery import classify, retry_after_s
from pideai_webhook_bridge.plugin import WebhookBridge

from pideai_host.api import Outcome, PluginEvent
from pideai_host.outgoing.client import make_client

NOW = datetime(2025, 11, 23, 4, 0, tzinfo=UTC)


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while not writer.is_closing():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


# What an answer stands for


@given(st.integers(200, 299), st.text(max_size=30))
def test_any_2xx_is_delivered(status: int, body: str) -> None:
    result = classify(status, {}, body, now=NOW)

    assert (result.resolved, result.response_code, result.response_body) == (Outcome.DELIVERED, status, body)


@given(st.integers(300, 999))
def test_any_other_status_is_retried(status: int) -> None:
    result = classify(status, {}, "", now=NOW)

    assert (result.resolved, result.response_code) == (Outcome.RETRY, status)
    assert str(status) in (result.error or "")


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_receiver_says_when_to_come_back(status: int) -> None:
    assert classify(status, {"retry-after": "120"}, "", now=NOW).retry_after_s == 120.0


@pytest.mark.parametrize("status", [301, 404, 410, 500, 502])
def test_other_receivers_do_not(status: int) -> None:
    assert classify(status, {"retry-after": "120"}, "", now=NOW).retry_after_s is None


def test_a_retry_after_that_is_a_date_counts_from_now() -> None:
    assert retry_after_s(format_datetime(NOW + timedelta(seconds=90), usegmt=True), now=NOW) == 90.0


def test_a_retry_after_in_the_past_is_now() -> None:
    assert retry_after_s("Fri, 31 Dec 1999 23:59:59 GMT", now=NOW) == 0.0


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "1.5", "Fri, 99 Dec 2025", "١٢٠"])
def test_a_retry_after_that_cannot_be_read_is_none(text: str | None) -> None:
    assert retry_after_s(text, now=NOW) is None


@pytest.mark.parametrize("text", ["86401", "9999999999", "9" * 40, "9" * 5_000, "0" * 20 + "86401"])
def test_a_retry_after_beyond_a_day_is_a_day_however_many_digits_it_has(text: str) -> None:
    assert retry_after_s(text, now=NOW) == 86_400.0


@given(st.text(max_size=40) | st.integers().map(str) | st.datetimes().map(format_datetime))
def test_no_retry_after_is_longer_than_a_day(text: str) -> None:
    assert 0 <= (retry_after_s(text, now=NOW) or 0) <= 86_400


def test_a_retry_after_that_is_a_date_is_by_the_clock_of_who_says_it() -> None:
    """Ours goes an hour ahead of the receiver's: what it wants 90 s of rest for is not called at once."""
    theirs = NOW - timedelta(hours=1)
    headers = {
        "date": format_datetime(theirs, usegmt=True),
        "retry-after": format_datetime(theirs + timedelta(seconds=90), usegmt=True),
    }

    assert classify(429, headers, "", now=NOW).retry_after_s == 90.0


# Over the wire


async def test_a_receiver_that_answers_is_a_delivery(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("202 Accepted", b'{"thanks":true}')

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.response_code, result.response_body) == (
        Outcome.DELIVERED,
        202,
        '{"thanks":true}',
    )


async def test_a_redirect_is_not_followed(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("307 Temporary Redirect", b"", f"Location: {receiver.url}")

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (
        Outcome.RETRY,
        "the receiver answered 307; redirects are not followed",
    )
    assert len(receiver.received) == 1


async def test_a_gone_receiver_is_retried_like_any_other(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("410 Gone")

    assert (await bridge.handle_event(event, {}, context)).resolved == Outcome.RETRY


async def test_a_retry_after_reaches_the_host(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("429 Too Many Requests", b"slow down", "Retry-After: 7")

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.retry_after_s, result.response_body) == (Outcome.RETRY, 7.0, "slow down")


async def test_only_the_first_part_of_a_body_is_kept(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("200 OK", "ñ".encode() * 3_000_000)

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.response_body) == (Outcome.DELIVERED, "ñ" * 2_048)


async def test_a_body_that_is_no_text_can_be_stored(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answers("200 OK", b"a\0\xffb")

    assert (await bridge.handle_event(event, {}, context)).response_body == "a\ufffd\ufffdb"


async def test_a_2xx_counts_though_its_body_breaks_off(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nthank"
    receiver.then = hang_up

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.response_code, result.response_body) == (Outcome.DELIVERED, 200, "thank")
    assert context.log.lines[0][0] == "webhook_body_unreadable"


async def test_a_2xx_counts_though_its_body_never_ends(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "BODY_LIMIT_S", 0.05)
    receiver.answer, receiver.then = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", drip

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.response_code) == (Outcome.DELIVERED, 200)
    assert context.log.lines[0][0] == "webhook_body_unreadable"


async def test_no_connection_is_a_retry(bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any) -> None:
    receiver.port = 1
    context.installation = with_url(context, receiver.url)

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (
        Outcome.RETRY,
        "127.0.0.1 cannot be connected to: connection refused",
    )


async def test_no_answer_in_time_is_unknown(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "TIMEOUT", httpx.Timeout(0.05))
    receiver.answer, receiver.then = b"", hang

    result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (Outcome.UNKNOWN, "127.0.0.1 did not answer in time")


async def test_a_connection_that_breaks_before_the_status_is_unknown(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    receiver.answer, receiver.then = b"", hang_up

    assert (await bridge.handle_event(event, {}, context)).resolved == Outcome.UNKNOWN


async def test_an_inner_address_fails_at_once(
    bridge: WebhookBridge, event: PluginEvent, context: Any, receiver: Any
) -> None:
    async with make_client() as guarded:
        context.http = guarded
        result = await bridge.handle_event(event, {}, context)

    assert (result.resolved, result.error) == (
        Outcome.FAILED,
        "127.0.0.1 is not a public address on the internet",
    )
    assert receiver.received == []


@pytest.mark.parametrize("url", ["ftp://example.com/", "http://user:pw@example.com/", "http://[bad/", "nonsense"])
async def test_a_url_that_cannot_be_asked_for_fails_at_once(
    bridge: WebhookBridge, event: PluginEvent, context: Any, url: str
) -> None:
    context.installation = with_url(context, url)

    assert (await bridge.handle_event(event, {}, context)).resolved == Outcome.FAILED


def with_url(context: Any, url: str | None) -> Any:
    return type(context.installation)(
        id=context.installation.id, store_id=context.store_id, plugin="webhook-bridge", webhook_url=url
    )

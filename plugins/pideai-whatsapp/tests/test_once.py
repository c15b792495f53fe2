"""One message once: whoever dies, whatever answer is lost, and while the database is away."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pideai_whatsapp.config import read_config
from pideai_whatsapp.sending.attempt import Attempt, message_id_of
from pideai_whatsapp.sending.notify import handle

from pideai_host.api import Outcome, PluginEventResult

EVOLUTION = {"provider": "evolution"}
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

Handle = Callable[..., Awaitable[PluginEventResult]]


async def test_second_attempt_after_success_sends_nothing_more(confirm: Handle, evolution: Any, context: Any) -> None:
    await confirm()

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert len(evolution.sent) == 1
    assert context.credits.balance == 9


async def test_crash_after_acceptance_still_pays_on_the_next_attempt(
    confirm: Handle, records: Any, context: Any
) -> None:
    await context.credits.reserve()
    records.rows[message_id_of(context)] = {"state": "accepted", "provider_message_id": "3EB0"}

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert context.credits.is_charged


async def test_lost_answer_is_unknown_and_never_sent_again(
    confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(drops=True))

    outcomes = [(await confirm()).resolved, (await confirm()).resolved]

    assert outcomes == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert len(evolution.requests) == 1
    assert records.row["state"] == "unknown"
    assert (context.credits.balance, context.credits.is_held) == (9, True)


async def test_worker_that_dies_while_sending_leaves_it_unknown(
    confirm: Handle, evolution: Any, canned: Any, records: Any
) -> None:
    evolution.canned.append(canned(hangs=True))
    dying = asyncio.create_task(confirm())
    await evolution.hanging.wait()
    dying.cancel()
    await asyncio.wait([dying])

    assert (await confirm()).resolved is Outcome.UNKNOWN
    assert len(evolution.requests) == 1


async def test_attempt_that_may_still_be_at_work_is_left_in_peace(
    confirm: Handle, evolution: Any, canned: Any, records: Any
) -> None:
    evolution.canned.append(canned(hangs=True))
    dying = asyncio.create_task(confirm())
    await evolution.hanging.wait()
    records.claimed_for_s = 1.0

    result = await confirm()

    dying.cancel()
    await asyncio.wait([dying])
    assert (result.resolved, len(evolution.requests)) == (Outcome.WAIT, 1)


async def test_lost_answer_is_no_loss_when_the_provider_tells_of_the_message_itself(
    confirm: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(drops=True))
    await confirm()
    records.row["provider_message_id"] = "3EB0"

    result = await confirm()

    assert result.resolved is Outcome.DELIVERED
    assert (records.row["state"], context.credits.is_charged, len(evolution.requests)) == ("accepted", True, 1)


class Flaky:
    """Fails the first so many calls of one kind, as a database that restarts does."""

    def __init__(self, part: Any, name: str, failures: float) -> None:
        self.part, self.name, self.failures = part, name, failures

    def __getattr__(self, name: str) -> Any:
        return self._call if name == self.name else getattr(self.part, name)

    async def _call(self, *args: Any, **kwargs: Any) -> Any:
        if self.failures > 0:
            self.failures -= 1
            raise OSError("the connection is lost")
        return await getattr(self.part, self.name)(*args, **kwargs)


@pytest.fixture
def hand_over_with(context: Any, created: Any, event: Any) -> Handle:
    """Deliver ``order.created`` once by records and credits of the test's own; pauses take no time."""

    async def no_pause(_: float) -> None:
        return None

    async def handle_once(records: Any, config: dict[str, Any] = EVOLUTION) -> PluginEventResult:
        attempt = Attempt(context=context, config=read_config(config), records=records, now=NOW, pause=no_pause)
        return await handle(event("order.created", created()), attempt)

    return handle_once


@pytest.mark.parametrize("failures", [1, 4])
async def test_database_that_is_away_while_a_message_is_sent_is_told_when_it_is_back(
    failures: int, hand_over_with: Handle, evolution: Any, records: Any, context: Any
) -> None:
    result = await hand_over_with(Flaky(records, "settle", failures))

    assert (result.resolved, records.row["state"], len(evolution.sent)) == (Outcome.DELIVERED, "accepted", 1)
    assert context.credits.is_charged


async def test_message_that_was_accepted_is_delivered_even_if_nothing_can_be_noted(
    hand_over_with: Handle, evolution: Any, records: Any, context: Any
) -> None:
    context.credits = Flaky(context.credits, "charge", float("inf"))

    result = await hand_over_with(Flaky(records, "settle", float("inf")))

    assert result.resolved is Outcome.DELIVERED
    assert result.data is not None
    assert result.data["provider_message_id"] == evolution.sent[0].message_id
    assert ("error", "accepted message not noted") in [line[:2] for line in context.log.lines]


async def test_refusal_is_told_to_a_database_that_was_away(
    hand_over_with: Handle, evolution: Any, records: Any, context: Any, canned: Any
) -> None:
    evolution.canned.append(canned(status=503, raw=b"busy"))
    context.credits = Flaky(context.credits, "refund", 2)

    result = await hand_over_with(Flaky(records, "settle", 2))

    assert (result.resolved, records.row["state"], context.credits.balance) == (Outcome.RETRY, "refused", 10)


async def test_two_attempts_at_once_send_one_message(confirm: Handle, evolution: Any, context: Any) -> None:
    outcomes = {result.resolved for result in await asyncio.gather(confirm(), confirm())}

    assert outcomes <= {Outcome.DELIVERED, Outcome.WAIT, Outcome.UNKNOWN}
    assert Outcome.DELIVERED in outcomes
    assert len(evolution.sent) == 1
    assert context.credits.balance == 9

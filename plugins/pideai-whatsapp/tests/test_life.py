"""A message's life, with a crash at any step: the provider has it at most once, and the credit says so.

Chance makes a run: what the provider answers to each call, and before which step a worker dies. Attempts follow each
other until the host would stop: an answer that ends the delivery, or all attempts used. Then the host settles what the
delivery holds, as ADR 0020 of the host says.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    NotConnected,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)

from pideai_host.api import Outcome

EVOLUTION = {"provider": "evolution"}
REFUSALS = (NotConnected, InvalidRecipient, MessageRefused, ProviderUnavailable)
ATTEMPTS = 6


class Died(BaseException):
    """The worker is gone."""


class Fate:
    """Counts the steps of all attempts, and ends the worker before or after the chosen ones."""

    def __init__(self, deaths: set[int]) -> None:
        self.deaths = deaths
        self.step = 0

    def passes(self) -> None:
        self.step += 1
        if self.step in self.deaths:
            raise Died

    def around(self, part: Any) -> Any:
        fate = self

        class Watched:
            def __getattr__(self, name: str) -> Any:
                found = getattr(part, name)
                if not asyncio.iscoroutinefunction(found):
                    return found

                async def call(*args: Any, **kwargs: Any) -> Any:
                    fate.passes()
                    answer = await found(*args, **kwargs)
                    fate.passes()
                    return answer

                return call

        return Watched()


class ChanceProvider:
    """Answers as it is told; what it took over it tells of by webhook or not at all."""

    name = "evolution"
    needs_session = True

    def __init__(self, answers: list[type[Exception] | str]) -> None:
        self.answers = answers
        self.accepted = 0

    async def send_text(self, to: str, text: str, *, reference: str | None = None) -> SendReceipt:
        answer = self.answers.pop(0) if self.answers else "accept"
        if answer == "lost but taken":
            self.accepted += 1
            raise RequestLost("?")
        if answer == "lost":
            raise RequestLost("?")
        if answer != "accept":
            raise answer("no")  # type: ignore[operator]
        self.accepted += 1
        return SendReceipt(message_id="3EB0")

    async def look_up(self, message_id: str) -> None:
        return None


ANSWERS = st.lists(st.sampled_from(["accept", "lost", "lost but taken", *REFUSALS]), max_size=ATTEMPTS)
DEATHS = st.sets(st.integers(1, 40), max_size=4)


@pytest.mark.parametrize("balance", [0, 1, 5])
@settings(max_examples=300, deadline=None)
@given(answers=ANSWERS, deaths=DEATHS)
def test_one_message_is_taken_once_at_most_and_the_credit_says_so(
    balance: int, answers: list[Any], deaths: set[int], make_life: Any
) -> None:
    context, records, event = make_life(balance)
    provider = ChanceProvider(list(answers))
    fate = Fate(deaths)
    ended = asyncio.run(live(context, records, event, provider, fate))

    purse = context.credits
    row = next(iter(records.rows.values()), None)
    state = None if row is None else row["state"]
    assert provider.accepted <= 1
    if ended in (Outcome.FAILED, None) and state in (None, "refused"):
        assert (provider.accepted, purse.balance) == (0, balance)
    if ended is Outcome.DELIVERED:
        assert (provider.accepted, purse.balance, state) == (1, balance - 1, "accepted")
    if ended is Outcome.UNKNOWN:
        assert state == "unknown"
        assert balance - purse.balance == 1 or provider.accepted == 0


async def live(context: Any, records: Any, event: Any, provider: Any, fate: Fate) -> Outcome | None:
    """Make attempts until the delivery ends; returns how, None when its attempts were used up."""
    watched = fate.around(records)
    called = fate.around(provider)

    async def provider_for(*_: Any, **__: Any) -> Any:
        return called

    plugin = WhatsAppPlugin(records=lambda _: watched, provider_for=provider_for)
    kept = context.credits
    ended = None
    for _ in range(ATTEMPTS):
        context.credits = fate.around(kept)
        try:
            result = await plugin.handle_event(event, EVOLUTION, context)
        except Died:
            continue
        finally:
            context.credits = kept
        if result.resolved in (Outcome.DELIVERED, Outcome.FAILED, Outcome.UNKNOWN):
            ended = result.resolved
            break
    row = next(iter(records.rows.values()), None)
    if ended is Outcome.FAILED or (ended is None and (row is None or row["state"] == "refused")):
        await kept.refund()
    return ended

"""A message's life as a state machine: whatever happens, the provider has it at most once, and the credit says so.

Chance makes attempts, which may die before or after any step, and says what the provider answers to each call; it lets
time pass, and lets the provider tell of the message by webhook. The delivery ends as the host would end it: by its
outcome, and then its credit is settled as ADR 0020 of the host says.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
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
from whatsapp_fakes.dying import Died, Fate

EVOLUTION = {"provider": "evolution"}
REFUSALS = (NotConnected, InvalidRecipient, MessageRefused, ProviderUnavailable)
FINAL = (Outcome.DELIVERED, Outcome.FAILED, Outcome.UNKNOWN)
STEPS_MAX = 18
PROVIDER_ID = "3EB0"


class ChanceProvider:
    """Answers as it is told to."""

    name = "evolution"
    needs_session = True

    def __init__(self) -> None:
        self.answer: Any = "accept"
        self.taken = 0

    async def send_text(self, to: str, text: str, *, reference: str | None = None) -> SendReceipt:
        if self.answer in ("accept", "lost but taken"):
            self.taken += 1
        if self.answer in ("lost", "lost but taken"):
            raise RequestLost("?")
        if self.answer != "accept":
            raise self.answer("no")
        return SendReceipt(message_id=PROVIDER_ID)

    async def look_up(self, message_id: str) -> None:
        return None


class MessageLife(RuleBasedStateMachine):
    """One delivery of a confirmation."""

    make_life: Any
    ends: set[Outcome]

    @initialize(balance=st.integers(0, 2))
    def begin(self, balance: int) -> None:
        self.balance = balance
        self.context, self.records, self.event = self.make_life(balance)
        self.purse = self.context.credits
        self.provider = ChanceProvider()
        self.ended: Outcome | None = None
        self.was_accepted = False

    @property
    def row(self) -> dict[str, Any]:
        return next(iter(self.records.rows.values()), {})

    @precondition(lambda self: self.ended is None)
    @rule(
        answer=st.sampled_from(["accept", "lost", "lost but taken", *REFUSALS]),
        dies_at=st.none() | st.integers(1, STEPS_MAX),
        is_soon=st.booleans(),
    )
    def attempt(self, answer: Any, dies_at: int | None, is_soon: bool) -> None:
        """Make an attempt, soon after the one before it or long after."""
        self.provider.answer = answer
        self.records.claimed_for_s = 1.0 if is_soon else 100.0
        self.ended = asyncio.run(self._attempt(Fate(() if dies_at is None else (dies_at,))))
        if self.ended is Outcome.DELIVERED:
            asyncio.run(self.purse.charge())
        elif self.ended is Outcome.FAILED:
            asyncio.run(self.purse.refund())

    @precondition(lambda self: self.provider.taken and self.row.get("state") in ("claimed", "unknown"))
    @rule(is_settled=st.booleans())
    def provider_tells(self, is_settled: bool) -> None:
        """Hear by webhook of a message whose answer was lost, or has not come yet."""
        self.row["provider_message_id"] = PROVIDER_ID
        if is_settled:
            self.row["state"] = "accepted"
        if self.ended is Outcome.UNKNOWN:
            self.row["state"] = "accepted"
            self.ended = Outcome.DELIVERED
            asyncio.run(self.purse.charge())

    @precondition(lambda self: self.ended is not None)
    @rule()
    def comes_again(self) -> None:
        """Have a delivery that has ended called again: a replay of one that failed, or a worker that lost its lease."""
        self.ended = None

    async def _attempt(self, fate: Fate) -> Outcome | None:
        async def provider_for(*_: Any, **__: Any) -> Any:
            return fate.around(self.provider)

        records = fate.around(self.records)
        plugin = WhatsAppPlugin(records=lambda _: records, provider_for=provider_for)
        self.context.credits = fate.around(self.purse)
        try:
            result = await plugin.handle_event(self.event, EVOLUTION, self.context)
        except Died:
            return None
        return result.resolved if result.resolved in FINAL else None

    @invariant()
    def it_is_taken_once_at_most(self) -> None:
        assert getattr(self, "provider", None) is None or self.provider.taken <= 1

    @invariant()
    def what_is_refused_was_not_taken_and_what_is_accepted_was(self) -> None:
        if not hasattr(self, "records"):
            return
        state = self.row.get("state")
        assert (state, self.provider.taken) not in (("refused", 1), ("accepted", 0))
        self.was_accepted = self.was_accepted or state == "accepted"
        assert not self.was_accepted or state == "accepted"

    @invariant()
    def an_end_has_its_price(self) -> None:
        spent = self.balance - self.purse.balance if hasattr(self, "purse") else 0
        assert spent in (0, 1)
        if not hasattr(self, "ended") or self.ended is None:
            return
        self.ends.add(self.ended)
        if self.ended is Outcome.DELIVERED:
            assert (self.provider.taken, spent, self.row["state"]) == (1, 1, "accepted")
        elif self.ended is Outcome.FAILED:
            assert (self.provider.taken, spent, self.row.get("state")) in ((0, 0, "refused"), (0, 0, None))
        else:
            assert self.row["state"] == "unknown"
            assert spent == 1 or self.provider.taken == 0


def test_one_message_is_taken_once_at_most_and_the_credit_says_so(make_life: Any) -> None:
    class Machine(MessageLife):
        pass

    Machine.make_life, Machine.ends = staticmethod(make_life), set()
    run_state_machine_as_test(Machine, settings=settings(max_examples=200, stateful_step_count=12, deadline=None))

    assert Machine.ends == set(FINAL), "some end was never reached, so its invariant held of nothing"


@pytest.mark.parametrize("dies_at", range(1, STEPS_MAX))
def test_an_attempt_that_dies_at_any_step_is_never_followed_by_a_second_message(dies_at: int, make_life: Any) -> None:
    life = MessageLife()
    life.make_life, life.ends = make_life, set()
    life.begin(balance=1)

    for fate in (dies_at, None, None):
        if life.ended is None:
            life.attempt(answer="accept", dies_at=fate, is_soon=False)

    assert life.ended in (Outcome.DELIVERED, Outcome.UNKNOWN)
    assert life.provider.taken <= 1

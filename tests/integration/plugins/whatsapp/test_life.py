"""A message's life on a real database: attempts that overlap, workers that die at any statement, answers that are lost.

The real statements and the real credits; chance chooses what the provider answers, who dies where, how many attempts
are at work at once, and whether an attempt comes soon or long after the one before it.
"""

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.providers.base import MessageRefused, ProviderUnavailable, RequestLost, SendReceipt
from pideai_whatsapp.sending.attempt import message_id_of
from pideai_whatsapp.sending.records import SqlRecords

from pideai_host.api import DeliveryInfo, OrderPayload, Outcome, PluginEvent
from pideai_host.stores.credits import DeliveryCredits
from pideai_host.stores.database import PluginDatabase
from whatsapp_fakes.dying import Died, Fate

CONFIG = {"provider": "evolution", "confirmationOn": "created"}
MONTHLY = 3

ANSWER = st.sampled_from(["accept", "accept", "lost", "lost but taken", "refuse", "refuse for good"])
ROUND = st.tuples(st.integers(1, 3), st.booleans())


class ChanceProvider:
    name = "evolution"
    needs_session = True

    def __init__(self, answers: list[str]) -> None:
        self.answers = answers
        self.calls = self.taken = 0

    async def send_text(self, to: str, text: str, *, reference: str | None = None) -> SendReceipt:
        self.calls += 1
        answer = self.answers.pop(0) if self.answers else "accept"
        await asyncio.sleep(0)
        self.taken += answer in ("accept", "lost but taken")
        if answer.startswith("lost"):
            raise RequestLost("?")
        if answer == "refuse":
            raise ProviderUnavailable("no")
        if answer == "refuse for good":
            raise MessageRefused("no")
        return SendReceipt(message_id="3EB0")

    async def look_up(self, message_id: str) -> None:
        return None


class Life:
    """One delivery of a confirmation, and those who work on it."""

    def __init__(self, pool: Any, shop: Any, provider: ChanceProvider, fate: Fate) -> None:
        self.pool, self.shop, self.provider, self.fate = pool, shop, provider, fate
        self.delivery = DeliveryInfo(id=uuid4(), attempt=1)
        self.credits = DeliveryCredits(pool, shop.store_id, "whatsapp", self.delivery.id)
        self.records = SqlRecords(PluginDatabase(pool), shop.store_id)
        self.event = PluginEvent(
            id=uuid4(),
            type="order.created",
            store_id=shop.store_id,
            timestamp=datetime.now(UTC),
            payload=OrderPayload(
                order_id=uuid4(),
                order_number="00000000",
                status="pending",
                customer_name="Ana",
                customer_phone="04141234567",
                order_type="pickup",
                total=Decimal(1),
                currency="USD",
            ),
        )

    async def attempt(self) -> Outcome | None:
        """Make one attempt; None when its worker died."""

        async def provider_for(*_: Any, **__: Any) -> Any:
            return self.fate.around(self.provider)

        async def nothing(*_: Any, **__: Any) -> bool:
            return False

        log = SimpleNamespace(**dict.fromkeys(("info", "warning", "error"), lambda *_, **__: None))
        context = SimpleNamespace(
            store_id=self.shop.store_id,
            delivery=self.delivery,
            credits=self.fate.around(self.credits),
            secrets=SimpleNamespace(operator=lambda _: None),
            storage=SimpleNamespace(set_new=nothing),
            log=log,
            db=PluginDatabase(self.pool),
        )
        plugin = WhatsAppPlugin(records=lambda _: self.fate.around(self.records), provider_for=provider_for)
        try:
            return (await plugin.handle_event(self.event, CONFIG, context)).resolved
        except Died:
            return None

    async def time_passes(self) -> None:
        await self.shop.connection.execute(
            "update pideai_whatsapp.sends set claimed_at = claimed_at - interval '1 hour'"
        )

    async def state(self) -> tuple[Any, ...]:
        message_id = message_id_of(SimpleNamespace(delivery=self.delivery))
        cursor = await self.shop.connection.execute(
            """select s.state, m.status from pideai_whatsapp.sends s
            left join public.whatsapp_messages m on m.id = s.message_id where s.message_id = %s""",
            (message_id,),
        )
        return await cursor.fetchone() or (None, None)

    async def spent(self) -> int:
        cursor = await self.shop.connection.execute("select credits_used_this_month from public.whatsapp_credits")
        return (await cursor.fetchone())[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.lists(ANSWER, max_size=6),
    deaths=st.sets(st.integers(1, 60), max_size=4),
    rounds=st.lists(ROUND, min_size=1, max_size=6),
)
async def test_a_message_is_taken_once_at_most_and_its_credit_follows_it(pool, shop, answers, deaths, rounds):
    await shop.connection.execute("truncate pideai_host.credit_ledger, pideai_host.credit_holds")
    await shop.connection.execute(
        "update public.whatsapp_credits set monthly_credits = %s, extra_credits = 0, credits_used_this_month = 0",
        (MONTHLY,),
    )
    provider = ChanceProvider(list(answers))
    life = Life(pool, shop, provider, Fate(deaths))
    ended = None
    for at_once, is_late in rounds:
        if is_late:
            await life.time_passes()
        outcomes = await asyncio.gather(*(life.attempt() for _ in range(at_once)))
        ended = next((one for one in outcomes if one in (Outcome.DELIVERED, Outcome.FAILED, Outcome.UNKNOWN)), None)
        if ended is not None:
            break
    if ended is Outcome.FAILED:
        await life.credits.refund()  # what the host does at a delivery's end
    state, status = await life.state()

    assert provider.taken <= 1
    assert await life.spent() in (0, 1)
    if ended is Outcome.DELIVERED:
        assert (provider.taken, state, status, await life.spent()) == (1, "accepted", "sent", 1)
    if ended is Outcome.FAILED:
        assert (provider.taken, state, status, await life.spent()) == (0, "refused", "failed", 0)
    if ended is Outcome.UNKNOWN:
        assert (state, status) == ("unknown", "pending")
        assert await life.spent() == 1 or provider.taken == 0
    if state == "refused":
        assert provider.taken == 0

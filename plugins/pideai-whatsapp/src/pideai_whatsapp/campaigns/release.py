"""Hands campaigns over, message by message: the plugin's job.

What is due stands in the database, so a process that dies, or two that both take themselves for the leader, change
nothing: a recipient's event has an id that follows from campaign and line, and is written before it is marked so.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from pideai_host.api import JobContext, PideaiError, PluginContext, PluginJob
from pideai_whatsapp.campaigns.audience import AudienceKind, audience_of
from pideai_whatsapp.campaigns.pace import LAST, Finish, HandOver, Hold, Outlook, Pause, Step, step_of
from pideai_whatsapp.campaigns.text import written
from pideai_whatsapp.channel.linking import needs_session
from pideai_whatsapp.config import WhatsAppConfig, read_config
from pideai_whatsapp.sending.attempt import base_domain_of
from pideai_whatsapp.sending.queued import QueuedMessage, enqueue
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone
from pideai_whatsapp.text.templates import MessageType

INTERVAL_S: Final = 2.0
CAMPAIGNS_MAX: Final = 200
"""In one turn; the others are due still, and come first in the next."""
RESTING_S: Final = 60.0
COUNT_OFTEN_S: Final = 10.0
COUNT_SELDOM_S: Final = 60.0

NOTICES: Final = {
    "no_credits": "La campaña «{name}» se pausó: no quedan créditos de WhatsApp. Cuando los tengas, reanúdala.",
    "failing": (
        "La campaña «{name}» se pausó: casi todos los últimos mensajes fallaron. Revisa el WhatsApp de tu tienda antes "
        "de reanudarla."
    ),
}

_NAMESPACE: Final = UUID("0c2f6f0e-8d0b-5f5c-9b7e-3f1f6c6a4d11")
_chance: Callable[[], float] = random.SystemRandom().random


def message_id_of(campaign_id: UUID, line: str) -> UUID:
    """Return the id of one recipient's message: once a campaign, whoever hands it over and however often."""
    return uuid5(_NAMESPACE, f"{campaign_id}/{line}")


async def release_campaigns(job: JobContext, *, chance: Callable[[], float] = _chance) -> None:
    """Begin campaigns that are due, hand over one message of each that is under way, and count."""
    for row in await job.db.fetch(statement("campaigns_due"), {"limit": CAMPAIGNS_MAX}):
        try:
            await _take_turn(job, row, chance)
        except PideaiError as problem:  # the others' turn comes all the same
            job.log.warning("campaign_not_released", campaign_id=str(row["id"]), problem=problem.code)
            await _hold(job, row, RESTING_S, "error")
    await job.db.execute(statement("campaigns_count"), {"often_s": COUNT_OFTEN_S, "seldom_s": COUNT_SELDOM_S})


RELEASE: Final = PluginJob(name="release_campaigns", interval_s=INTERVAL_S, run=release_campaigns, timeout_s=120.0)


async def _take_turn(job: JobContext, row: Mapping[str, Any], chance: Callable[[], float]) -> None:
    handed: dict[str, Any] | None = None
    async with job.installation(row["store_id"]) as found:
        if found is None:
            await _hold(job, row, RESTING_S, "off")
            return
        config, context = found
        if row["status"] == "scheduled":
            await _begin(context, row)
            return
        facts = await context.db.fetch_one(
            statement("campaign_next"), {"campaign_id": row["id"], "store_id": context.store_id, "last": LAST}
        )
        if facts is None:
            return
        step = _step_of(facts, read_config(config), chance())
        match step:
            case HandOver():
                handed = await _hand_over(context, row["id"], facts, step)
            case Hold():
                await _hold(job, row, step.pause_s, step.held)
            case Pause():
                await _pause(context, row["id"], facts["name"], step)
            case Finish():
                await context.db.execute(statement("campaign_finish"), _keys(row))
    if handed is not None:  # only now is its event written
        await job.db.execute(statement("campaign_handed"), handed)


def _step_of(facts: Mapping[str, Any], config: WhatsAppConfig, chance: float) -> Step:
    outlook = Outlook(
        is_enabled=facts["is_enabled"],
        is_usable=facts["is_connected"] or not needs_session(config),
        credits=facts["credits"],
        pending=facts["pending"],
        failed=facts["failed"],
        total=facts["total"],
        has_next=facts["line"] is not None,
    )
    return step_of(outlook, per_minute=config.campaigns_per_minute, chance=chance)


async def _begin(context: PluginContext, row: Mapping[str, Any]) -> None:
    store = await context.db.fetch_one(statement("campaign_store"), {"store_id": context.store_id})
    if store is None:
        return
    audience = await audience_of(context.db, context.store_id, AudienceKind(row["audience"]), country=store["country"])
    recipients = [
        {"line": one.line, "n": n, "phone": one.phone, "customer_name": one.customer_name}
        for n, one in enumerate(audience.recipients)
    ]
    values = {"total": len(recipients), "recipients": msgspec.json.encode(recipients).decode()}
    await context.db.execute(statement("campaign_begin"), _keys(row) | values)
    context.log.info("campaign_begun", campaign_id=str(row["id"]), recipients=len(recipients))


async def _hand_over(
    context: PluginContext, campaign_id: UUID, facts: Mapping[str, Any], step: HandOver
) -> dict[str, Any]:
    message_id = message_id_of(campaign_id, facts["line"])
    text, values = written(
        facts["message"],
        customer_name=facts["customer_name"],
        store_name=facts["store_name"],
        store_link=f"https://{facts['subdomain']}.{base_domain_of(context)}",
    )
    queued = QueuedMessage(
        message_id=message_id,
        phone=Phone(facts["phone"]),
        kind=MessageType.CAMPAIGN,
        text=text,
        customer_name=facts["customer_name"],
        variables=values,
        image_url=facts["image_url"],
        campaign_id=campaign_id,
    )
    await enqueue(context, queued, bulk=True)
    return {
        "campaign_id": campaign_id,
        "store_id": context.store_id,
        "line": facts["line"],
        "message_id": message_id,
        "pause_s": step.pause_s,
    }


async def _pause(context: PluginContext, campaign_id: UUID, name: str, step: Pause) -> None:
    """Let it rest, and tell the owner once: whoever finds it at rest already tells nobody."""
    values = {"campaign_id": campaign_id, "store_id": context.store_id, "reason": step.reason}
    if await context.db.execute(statement("campaign_pause"), values) == 1:
        await context.notify(NOTICES[step.reason].format(name=name[:100]), level="warning")


async def _hold(job: JobContext, row: Mapping[str, Any], pause_s: float, held: str) -> None:
    await job.db.execute(statement("campaign_hold"), _keys(row) | {"pause_s": pause_s, "held": held})


def _keys(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"campaign_id": row["id"], "store_id": row["store_id"]}

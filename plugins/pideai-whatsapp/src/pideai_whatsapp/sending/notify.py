"""From an event to its outcome: the questions in their order, each answered by the module that knows.

What was sent stays sent, what the store does not want is skipped, what can never go out fails, and only then does
anything wait. A credit is not touched before all of that is clear.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from pideai_host.api import (
    OrderPayload,
    PluginContext,
    PluginEvent,
    PluginEventResult,
    StoreUnknown,
    delivered,
    failed,
    skipped,
    unknown,
)
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.errors import AmountUnusable, PhoneUnusable
from pideai_whatsapp.providers.base import MessageRefused, NotConnected, Provider, ProviderProblem
from pideai_whatsapp.providers.choose import provider_for
from pideai_whatsapp.sending.choice import NoMessage, choose
from pideai_whatsapp.sending.draft import write_draft
from pideai_whatsapp.sending.records import Facts, Records
from pideai_whatsapp.sending.send import outcome_of, send
from pideai_whatsapp.text.templates import MessageType

FOREIGN_INSTANCE: Final = "El nombre de instancia pertenece a otra tienda."

_MESSAGE_IDS: Final = UUID("6f0f1a4c-2d0b-5a53-9d0e-5b3f0a7c1e42")
_ACCEPTED: Final = frozenset({"sent", "delivered", "read"})


def message_id_of(context: PluginContext) -> UUID:
    """Return the id of this delivery's row in ``whatsapp_messages``, the same on every attempt."""
    if context.delivery is None:
        raise RuntimeError("handle_event was called outside of a delivery")
    return uuid5(_MESSAGE_IDS, str(context.delivery.id))


async def notify_customer(
    event: PluginEvent, config: WhatsAppConfig, *, context: PluginContext, records: Records, now: datetime
) -> PluginEventResult:
    """Send the message that an event calls for, at most once; or say why none is sent."""
    order = event.payload
    if not isinstance(order, OrderPayload):
        return skipped("El evento no es de un pedido.")
    kind = choose(event.type, order, config)
    if isinstance(kind, NoMessage):
        return skipped(kind.reason)
    message_id = message_id_of(context)
    try:
        facts = await records.facts(kind, message_id)
        if answer := await _answer_without_sending(facts, kind, context):
            return answer
        draft = await write_draft(kind, order, facts=facts, message_id=message_id, context=context, records=records)
        provider = await _provider(config, facts=facts, context=context, records=records)
        return await send(draft, provider, context=context, records=records, now=now)
    except (StoreUnknown, PhoneUnusable, AmountUnusable) as problem:
        return failed(problem.message)
    except ProviderProblem as problem:
        return outcome_of(problem, context)


async def _answer_without_sending(facts: Facts, kind: MessageType, context: PluginContext) -> PluginEventResult | None:
    """Answer for an attempt that came this far before, or for a store that does not want the message."""
    if facts.message_status in _ACCEPTED:
        await context.credits.charge()
        return delivered({"message_id": str(message_id_of(context)), "provider_message_id": facts.provider_message_id})
    if facts.message_status == "pending":
        return unknown("Un intento anterior quedó sin respuesta; no se sabe si el mensaje se envió.")
    if not facts.is_enabled:
        return skipped("La tienda tiene WhatsApp apagado.")
    if not facts.is_wanted:
        return skipped(f"La tienda tiene apagada la plantilla {kind}.")
    return None


async def _provider(config: WhatsAppConfig, *, facts: Facts, context: PluginContext, records: Records) -> Provider:
    """Return the store's provider, if it can send now.

    Raises:
        ProviderProblem: it cannot; `NotConnected` while the store has linked no phone.
    """
    if config.instance_name is not None and await records.is_foreign_instance(config.instance_name):
        raise MessageRefused(FOREIGN_INSTANCE)
    provider = await provider_for(config, subdomain=facts.store.subdomain, context=context)
    if provider.needs_session and not facts.is_connected:
        raise NotConnected("El WhatsApp de la tienda no está conectado.")
    return provider

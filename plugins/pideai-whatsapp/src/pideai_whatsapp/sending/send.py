"""The life of one message: reserve a credit, write it down, hand it over, note what became of it.

The row is written before the provider is called, so a row that is still pending on a later attempt means that the
request may have left: it is never sent again. On a refusal the row is marked before the credit is given back; a crash
between the two leaves a credit that the next attempt finds reserved, never a message that is sent twice.
"""

from datetime import datetime
from typing import Final

from pideai_host.api import (
    CreditsExhausted,
    PluginContext,
    PluginEventResult,
    delivered,
    failed,
    retry,
    unknown,
    wait,
)
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    NotConnected,
    Provider,
    ProviderConfiguration,
    ProviderProblem,
    RequestLost,
)
from pideai_whatsapp.sending.records import Draft, Records

OTHER_ATTEMPT_S: Final = 5.0
RECONNECT_S: Final = 30.0
REPAIR_S: Final = 120.0
"""How long to leave an operator to repair a key or an address before asking again."""

NO_CREDITS: Final = "La tienda no tiene créditos de WhatsApp; el mensaje no se envió."


async def send(
    draft: Draft, provider: Provider, *, context: PluginContext, records: Records, now: datetime
) -> PluginEventResult:
    """Send a draft at most once, and spend a credit only if the provider took it.

    Raises:
        ProviderProblem: it was not accepted, and all is noted and given back; or, with `RequestLost`, nobody knows, and
            the credit stays reserved.
    """
    try:
        credit_type = await context.credits.reserve()
    except CreditsExhausted:
        await _tell_owner_once_a_month(context, now)
        return failed(NO_CREDITS)
    if not await records.claim(draft, credit_type=credit_type):
        return wait("Otro intento de enviar este mensaje está en curso.", retry_after_s=OTHER_ATTEMPT_S)
    try:
        receipt = await provider.send_text(draft.phone, draft.text)
    except RequestLost as problem:
        await records.mark_unknown(draft.id, reason=problem.message)
        raise
    except ProviderProblem as problem:
        await records.mark_failed(draft.id, reason=problem.message)
        await context.credits.refund()
        raise
    await records.mark_sent(draft.id, provider_message_id=receipt.message_id)
    await context.credits.charge()
    context.log.info("whatsapp message accepted", provider=provider.name, provider_message_id=receipt.message_id)
    return delivered(
        {
            "message_id": str(draft.id),
            "message_type": draft.kind.value,
            "provider": provider.name,
            "provider_message_id": receipt.message_id,
            "credit_type": credit_type,
        },
        response_code=receipt.response_code,
    )


def outcome_of(problem: ProviderProblem, context: PluginContext) -> PluginEventResult:
    """Turn a provider's problem into the outcome of this attempt, and log it."""
    log = context.log.error if isinstance(problem, ProviderConfiguration) else context.log.warning
    log("whatsapp message not accepted", problem=problem.code, response_code=problem.response_code)
    match problem:
        case NotConnected():
            return wait(problem.message, retry_after_s=RECONNECT_S)
        case ProviderConfiguration():
            return wait(problem.message, retry_after_s=REPAIR_S)
        case InvalidRecipient() | MessageRefused():
            return failed(problem.message, response_code=problem.response_code, response_body=problem.response_body)
        case RequestLost():
            return unknown(problem.message)
        case _:
            return retry(problem.message, response_code=problem.response_code, response_body=problem.response_body)


async def _tell_owner_once_a_month(context: PluginContext, now: datetime) -> None:
    """Leave one notice a month, the time after which the monthly credits return."""
    if await context.storage.set_new(f"notice:no-credits:{now:%Y-%m}", value=True):
        await context.notify(
            "Se acabaron los créditos de WhatsApp de tu tienda: tus clientes no reciben avisos de sus pedidos.",
            level="warning",
        )

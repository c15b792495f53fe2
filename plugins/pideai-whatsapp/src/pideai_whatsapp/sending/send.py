"""The life of one message: reserve a credit, claim the message, hand it over, note what became of it.

The claim is written before the provider is called, so whoever finds one knows that a request may have left, see
`earlier`. On a refusal the credit is given back before the message is let go of: whoever claims it next must find out
that none is reserved any more. A crash between the two leaves an unknown message that costs nothing, never one that is
sent twice.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Final, TypeVar

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
from pideai_whatsapp.errors import RecordLost
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    NotConnected,
    Provider,
    ProviderConfiguration,
    ProviderProblem,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.templates import MESSAGE, TemplateRule, filled
from pideai_whatsapp.sending.attempt import Attempt
from pideai_whatsapp.sending.earlier import IN_FLIGHT
from pideai_whatsapp.sending.facts import Draft, Earlier, Facts, SendState
from pideai_whatsapp.sending.providers import ready_provider_of

Written = TypeVar("Written")

OTHER_ATTEMPT_S: Final = 5.0
RECONNECT_S: Final = 30.0
REPAIR_S: Final = 120.0
"""How long to leave an operator to repair a key or an address before asking again."""

RETRY_DELAYS_S: Final = (1.0, 5.0, 30.0)
CALLS_MAX: Final = 1 + len(RETRY_DELAYS_S)
"""Calls of one delivery, those that only wait aside."""

NOTE_AGAIN_S: Final = (0.2, 0.5, 1.0, 2.0)
"""Pauses between the tries to write down what became of a call; together well within what the hook's limit leaves."""

NO_CREDITS: Final = "La tienda no tiene créditos de WhatsApp; el mensaje no se envió."


async def hand_over(draft: Draft, facts: Facts, attempt: Attempt) -> PluginEventResult:
    """Send a draft at most once, spend a credit only if the provider took it, and say what became of it."""
    try:
        provider = await ready_provider_of(facts, attempt)
        return await _send(draft, provider, attempt)
    except ProviderProblem as problem:
        result = outcome_of(problem, attempt.context)
        if isinstance(problem, NotConnected) and facts.is_connected:
            await attempt.records.doubt_channel(attempt.config.provider)
        if isinstance(problem, InvalidRecipient | MessageRefused):
            await attempt.records.close(draft.id, error=problem.message)
        return result


async def _send(draft: Draft, provider: Provider, attempt: Attempt) -> PluginEventResult:
    """Send a draft through a provider that can send now.

    Raises:
        ProviderProblem: it was not accepted, and all is noted and given back; or, with `RequestLost`, nobody knows, and
            the credit stays reserved.
    """
    context, records = attempt.context, attempt.records
    try:
        credit_type = await context.credits.reserve()
    except CreditsExhausted:
        await records.close(draft.id, error=NO_CREDITS)
        return await _without_credits(attempt)
    delivery_id = None if context.delivery is None else context.delivery.id
    claims = await records.claim(draft, credit_type=credit_type, provider=provider.name, delivery_id=delivery_id)
    if claims == 0:
        return wait(IN_FLIGHT, retry_after_s=OTHER_ATTEMPT_S)
    try:
        if claims > 1:  # whoever had it before gave the credit back, perhaps after it was reserved here
            await context.credits.reserve()
        receipt = await _call(provider, draft, attempt.config.template_rule(draft.kind))
    except CreditsExhausted:
        await _noted(attempt, partial(records.settle, draft.id, SendState.REFUSED, error=NO_CREDITS))
        return await _without_credits(attempt)
    except RequestLost as problem:
        known = await _noted(attempt, partial(records.settle, draft.id, SendState.UNKNOWN, error=problem.message))
        if known.state is not SendState.ACCEPTED:
            raise
        response_code = None
    except ProviderProblem as problem:
        await _noted(attempt, context.credits.refund)
        is_final = _is_final(problem, context)
        await _noted(
            attempt,
            partial(records.settle, draft.id, SendState.REFUSED, error=problem.message, is_final=is_final),
        )
        raise
    else:
        response_code = receipt.response_code
        known = await _accepted(draft, receipt, attempt)
    await _charge(attempt)
    context.log.info("whatsapp message accepted", provider=provider.name, provider_message_id=known.provider_message_id)
    return delivered(
        {
            "message_id": str(draft.id),
            "message_type": draft.kind.value,
            "provider": provider.name,
            "provider_message_id": known.provider_message_id,
            "credit_type": credit_type,
        },
        response_code=response_code,
    )


def _is_final(problem: ProviderProblem, context: PluginContext) -> bool:
    """Tell whether a refusal ends the delivery; where a store asks for fewer attempts, a job finds out later."""
    if isinstance(problem, NotConnected | ProviderConfiguration):
        return False
    attempts = 1 if context.delivery is None else context.delivery.attempt
    return isinstance(problem, InvalidRecipient | MessageRefused) or attempts >= CALLS_MAX


async def _accepted(draft: Draft, receipt: SendReceipt, attempt: Attempt) -> Earlier:
    """Note that the provider has the message, which holds even if the database takes no note of it.

    Then the delivery's own outcome is what tells of it, which the host keeps until it can be written.
    """
    known = Earlier(state=SendState.ACCEPTED, provider_message_id=receipt.message_id)
    write = partial(attempt.records.settle, draft.id, SendState.ACCEPTED, provider_message_id=receipt.message_id)
    try:
        return await _noted(attempt, write)
    except Exception as error:  # noqa: BLE001 - whatever it is, calling again must not be the answer
        log, facts = attempt.context.log, {"provider_message_id": receipt.message_id, "error": type(error).__name__}
        log.error("accepted message not noted", **facts)  # noqa: TRY400 - a plugin's log shows no tracebacks
        return known


async def _charge(attempt: Attempt) -> None:
    """Keep the credit for good; where that cannot be written now, the delivery's end does it."""
    try:
        await _noted(attempt, attempt.context.credits.charge)
    except Exception as error:  # noqa: BLE001 - as in `_accepted`
        attempt.context.log.warning("credit not charged yet", error=type(error).__name__)


async def _noted(attempt: Attempt, write: Callable[[], Awaitable[Written]]) -> Written:
    """Write what became of a call, again and again for some seconds: a database that restarts loses it otherwise."""
    for pause_s in NOTE_AGAIN_S:
        try:
            return await write()
        except RecordLost:
            raise
        except Exception as error:  # noqa: BLE001 - psycopg's, which a plugin does not know
            attempt.context.log.warning("outcome not written yet", error=type(error).__name__)
            await attempt.pause(pause_s)
    return await write()


async def _call(provider: Provider, draft: Draft, rule: TemplateRule | None) -> SendReceipt:
    """Hand a draft over: a picture, the provider's own template of its kind, or the text."""
    if draft.image_url is not None:
        return await provider.send_image(draft.phone, url=draft.image_url, caption=draft.text, reference=str(draft.id))
    if rule is not None:
        values = {"customer_name": draft.customer_name or "Cliente", **draft.values, MESSAGE: draft.text}
        return await provider.send_template(draft.phone, filled(rule, values), reference=str(draft.id))
    return await provider.send_text(draft.phone, draft.text, reference=str(draft.id))


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


async def _without_credits(attempt: Attempt) -> PluginEventResult:
    await _tell_owner_once_a_month(attempt.context, attempt.now)
    return failed(NO_CREDITS)


async def _tell_owner_once_a_month(context: PluginContext, now: datetime) -> None:
    """Leave one notice a month, the time after which the monthly credits return."""
    if await context.storage.set_new(f"notice:no-credits:{now:%Y-%m}", value=True):
        await context.notify(
            "Se acabaron los créditos de WhatsApp de tu tienda: tus clientes no reciben avisos de sus pedidos.",
            level="warning",
        )

"""What earlier attempts at a message mean for this one: go on, wait, or answer without sending.

Whoever finds a message claimed cannot know whether its request left: the one that claimed it may be at work, or may
have died on either side of the call. So it is left in peace for as long as a call can last, then it is unknown, and
unknown is never sent again: the provider is asked where it can be, and otherwise its receipts tell.
"""

from typing import Final
from uuid import UUID

from pideai_host.api import PluginEventResult, delivered, failed, unknown, wait
from pideai_whatsapp.providers.base import ProviderProblem
from pideai_whatsapp.providers.signals import Progress
from pideai_whatsapp.sending.attempt import Attempt
from pideai_whatsapp.sending.facts import Earlier, Facts, SendState
from pideai_whatsapp.sending.providers import provider_of

IN_FLIGHT_S: Final = 45.0
"""No call is still under way after this: the hook's own limit is 30 s."""
LOOK_AGAIN_S: Final = 10.0

NO_ANSWER: Final = "Un intento anterior quedó sin respuesta; no se sabe si el mensaje se envió."
IN_FLIGHT: Final = "Otro intento de enviar este mensaje está en curso."


async def answer_of(facts: Facts, message_id: UUID, attempt: Attempt) -> PluginEventResult | None:
    """Answer for a message that came so far before that it is not to be sent now; None when it may be."""
    earlier = facts.earlier
    if earlier is None or earlier.state in (SendState.NEW, SendState.REFUSED):
        return None
    if earlier.state is SendState.ACCEPTED:
        return await _accepted(earlier, message_id, attempt)
    if earlier.state is SendState.CLAIMED and (earlier.claimed_for_s or 0.0) < IN_FLIGHT_S:
        return wait(IN_FLIGHT, retry_after_s=LOOK_AGAIN_S)
    return await _of_unknown(facts, earlier, message_id, attempt)


async def _accepted(earlier: Earlier, message_id: UUID, attempt: Attempt) -> PluginEventResult:
    await attempt.context.credits.charge()
    return delivered({"message_id": str(message_id), "provider_message_id": earlier.provider_message_id})


async def _of_unknown(facts: Facts, earlier: Earlier, message_id: UUID, attempt: Attempt) -> PluginEventResult:
    """Settle as unknown what a lost attempt left, unless the provider has told of it, or tells when it is asked."""
    progress = await _look_up(facts, earlier, attempt)
    if progress is Progress.FAILED:
        reason = "El proveedor dice que el mensaje no llegó."
        await attempt.records.settle(message_id, SendState.REFUSED, error=reason)
        await attempt.context.credits.refund()
        return failed(reason)
    state = SendState.UNKNOWN if progress is None else SendState.ACCEPTED
    error = NO_ANSWER if progress is None else None
    known = await attempt.records.settle(message_id, state, error=error)
    if known.state is SendState.ACCEPTED:
        return await _accepted(known, message_id, attempt)
    return unknown(NO_ANSWER)


async def _look_up(facts: Facts, earlier: Earlier, attempt: Attempt) -> Progress | None:
    """Ask the provider that was called, if it gave the message an id and is still the store's."""
    if earlier.provider_message_id is None or earlier.provider != attempt.config.provider:
        return None
    try:
        provider = await provider_of(facts, attempt)
        return await provider.look_up(earlier.provider_message_id)
    except ProviderProblem as problem:
        attempt.context.log.warning("message not looked up", problem=problem.code)
        return None

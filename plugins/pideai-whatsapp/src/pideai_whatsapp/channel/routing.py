"""Calls that name no store in their address: only Meta's, whose posts may hold several stores, are taken.

They are signed by the operator's app, which says nothing of the store, and go to who proved its number (`numbers`); a
store with an app of its own gives Meta the address that names the store. An Evolution server's global webhook carries
nothing that proves it, so it is refused.
"""

from collections.abc import Sequence
from uuid import UUID

from pideai_host.api import WebhookLookup, WebhookReply, WebhookRequest
from pideai_whatsapp.channel.numbers import mark_of
from pideai_whatsapp.providers import meta_webhook
from pideai_whatsapp.providers.choose import META_APP_SECRET, META_VERIFY_TOKEN
from pideai_whatsapp.providers.sections import META_PHONE_NUMBER_ID


async def route_call(request: WebhookRequest, lookup: WebhookLookup) -> list[UUID] | WebhookReply:
    """Say which stores a call is for, or answer it at once."""
    if (answer := meta_webhook.answer_to_challenge(request, lookup.operator(META_VERIFY_TOKEN) or "")) is not None:
        return answer
    if not meta_webhook.is_genuine(request, lookup.operator(META_APP_SECRET) or ""):
        lookup.log.warning("whatsapp webhook without a store refused")
        return WebhookReply(status=401)
    numbers = meta_webhook.phone_number_ids(request)
    found = await lookup.by_config(META_PHONE_NUMBER_ID, numbers) if numbers else {}
    proved = await lookup.by_storage([mark_of(one) for one in found]) if found else {}
    found = {one: _holders(ids, proved.get(mark_of(one), ())) for one, ids in found.items()}
    stores = list(dict.fromkeys(store_id for ids in found.values() for store_id in ids))
    unknown = len(numbers) - len(found)
    if unknown or not numbers:
        lookup.log.info("whatsapp webhook of unknown numbers", numbers=unknown)
    return stores or WebhookReply()


def _holders(configured: Sequence[UUID], proved: Sequence[UUID]) -> Sequence[UUID]:
    """Return who proved a number, of those that name it; all of them while none has, each of which may do so now."""
    return [one for one in configured if one in proved] or configured

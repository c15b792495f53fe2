"""Providers' calls: known to be genuine first, read, and taken as a set; then answered in the provider's words.

Whose call it is follows from what it carries, not from the store's configuration: a store that has another provider
now still hears the last receipts of the one before. What changes nothing (an instance or a message that is not known)
is answered 200 all the same and counted, as the provider would only send it again. What cannot be written now raises;
the host answers that with 503, so that it does come again; so does a receipt that may be too early (`receipts`). Bodies
are never logged: they hold the provider's key.
"""

from collections.abc import Callable, Sequence

from pideai_host.api import PluginContext, WebhookReply, WebhookRequest
from pideai_whatsapp.channel.counts import Counts
from pideai_whatsapp.channel.inbound import take_inbound
from pideai_whatsapp.channel.linking import wake_if_opened
from pideai_whatsapp.channel.numbers import MetaNumbers
from pideai_whatsapp.channel.receipts import Taken, take_accepted, take_receipts
from pideai_whatsapp.channel.rows import ChannelRow, Whose, change, heard, heard_by_an_old_word, read_channel
from pideai_whatsapp.channel.senders import META, sender_of
from pideai_whatsapp.channel.state import Happening, SendProved
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.providers.signals import (
    Accepted,
    ConnectionChanged,
    Counted,
    Inbound,
    QrChanged,
    QrLimit,
    Receipt,
    Signal,
)

REFUSED = WebhookReply(status=401)
COME_AGAIN = WebhookReply(status=503)


async def take_call(
    request: WebhookRequest, config: WhatsAppConfig, context: PluginContext, counts: Counts, numbers: MetaNumbers
) -> WebhookReply:
    """Take one call for one store."""
    sender = sender_of(request)
    if (answer := await sender.answer_at_once(request, context)) is not None:
        return answer
    if not await sender.is_genuine(request, context):
        context.log.warning("whatsapp webhook refused", provider=sender.name)
        return REFUSED
    row = await read_channel(context.db, context.store_id)
    whose = Whose(
        store_id=context.store_id, provider=config.provider, instance=config.instance_name or row.subdomain or None
    )
    is_for = sender.is_for(request, config, whose)
    if is_for and sender is META:
        is_for = await numbers.may_hear(config, context)
    if is_for:
        signals, noting = sender.read(request, config), heard
        if sender.is_outdated(request, context):
            noting = heard_by_an_old_word
        if not await _take(
            signals,
            whose,
            row,
            noting=noting if sender.name == whose.provider else None,
            context=context,
            counts=counts,
        ):
            return COME_AGAIN
    else:
        counts.add(context.store_id, "unknown_instance")
    await counts.write_if_due(context.db)
    return sender.reply


async def _take(
    signals: Sequence[Signal],
    whose: Whose,
    row: ChannelRow,
    *,
    noting: Callable[[ChannelRow], ChannelRow] | None,
    context: PluginContext,
    counts: Counts,
) -> bool:
    """Take what a call says, of the channel only with `noting`; tell whether it is taken, or is to come again."""
    found = await take_accepted(context, [one for one in signals if isinstance(one, Accepted)])
    taken = await take_receipts(context, [one for one in signals if isinstance(one, Receipt)])
    if taken.may_be_early and not found.moved:
        return False
    wishes = await take_inbound(context, [one for one in signals if isinstance(one, Inbound)])
    if noting is not None:
        happenings = _happenings(signals, found, taken)
        before, now = await change(context.db, whose, happenings, noting=noting, row=row)
        wake_if_opened(before, now, context)
        if now.channel.state is not before.channel.state:
            context.log.info(
                "whatsapp channel changed", state=now.channel.state.value, before=before.channel.state.value
            )
    counts.add(context.store_id, "unknown_message", taken.unknown)
    counts.add(context.store_id, "wishes", wishes)
    for one in signals:
        if isinstance(one, Counted):
            counts.add(context.store_id, one.name)
        elif isinstance(one, Inbound):
            counts.add(context.store_id, "inbound")
    return True


def _happenings(signals: Sequence[Signal], found: Taken, taken: Taken) -> list[Happening]:
    """Return what says something of the channel; a message that went through proves more than any word."""
    told: list[Happening] = [one for one in signals if isinstance(one, ConnectionChanged | QrChanged | QrLimit)]
    return [*told, SendProved()] if found.proves or taken.proves else told

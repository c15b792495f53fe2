"""What customers write to a store: only the wish to get no more advertising, or to get it again, changes something."""

from collections.abc import Sequence

from pideai_host.api import PluginContext
from pideai_whatsapp.providers.signals import Inbound
from pideai_whatsapp.sending.opt_outs import opt_in, opt_out
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.replies import Wish, wish_of


async def take_inbound(context: PluginContext, messages: Sequence[Inbound]) -> int:
    """Do what customers wish; a message that is told again changes nothing more. Returns how many wished something.

    The ids are noted last: what is done twice after a crash is done at once, before anything newer is heard.
    """
    wishes = {one.message_id: (one, wish) for one in messages if one.phone is not None and (wish := wish_of(one.text))}
    if not wishes:
        return 0
    seen = await context.db.fetch(statement("inbound_seen"), {"store_id": context.store_id, "ids": list(wishes)})
    for row in seen:
        del wishes[row["message_id"]]
    for message, wish in wishes.values():
        if message.phone is None:
            continue
        if wish is Wish.OPT_OUT:
            await opt_out(context.db, context.store_id, message.phone, by="customer", said_at=message.said_at)
        else:
            await opt_in(context.db, context.store_id, message.phone, said_at=message.said_at)
    if wishes:
        await context.db.execute(statement("inbound_note"), {"store_id": context.store_id, "ids": list(wishes)})
    return len(wishes)

"""A send that says the session is down, while the channel says open: nobody believes the channel from then on."""

from pideai_host.api import PluginContext
from pideai_whatsapp.channel.rows import Whose, change
from pideai_whatsapp.channel.state import SendFailed


async def mark_suspect(context: PluginContext, *, provider: str) -> None:
    """Have a store's messages wait until its channel has shown that it works; does nothing unless it says open."""
    before, now = await change(context.db, Whose(store_id=context.store_id, provider=provider), [SendFailed()])
    if now is not before:
        context.log.warning("whatsapp channel suspect", strikes=now.channel.strikes)

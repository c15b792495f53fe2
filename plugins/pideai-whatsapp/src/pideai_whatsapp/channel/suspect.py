"""A send that says the session is down, while the channel says open: nobody believes the channel from then on."""

from uuid import UUID

from pideai_host.api import Database
from pideai_whatsapp.channel.rows import Whose, change
from pideai_whatsapp.channel.state import SendFailed


async def mark_suspect(db: Database, store_id: UUID, *, provider: str) -> bool:
    """Doubt a store's channel if it says open; tells whether that was news."""
    before, now = await change(db, Whose(store_id=store_id, provider=provider), [SendFailed()])
    return now is not before

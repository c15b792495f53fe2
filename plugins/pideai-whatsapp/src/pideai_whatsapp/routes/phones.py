"""A phone as an owner types it, read in the store's country."""

from uuid import UUID

from pideai_host.api import Database, StoreUnknown
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, region_of, to_e164


async def phone_in_store(db: Database, store_id: UUID, raw: str) -> Phone:
    """Find the phone that was meant.

    Raises:
        PhoneUnusable: none that could be called one.
        StoreUnknown: the store is gone.
    """
    row = await db.fetch_one(statement("store"), {"store_id": store_id})
    if row is None:
        raise StoreUnknown(store_id)
    return to_e164(raw, region=region_of(row["country"]))

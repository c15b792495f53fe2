"""A phone as an owner types it, read in the store's country."""

import re
from uuid import UUID

from litestar.exceptions import ValidationException

from pideai_host.api import Database, StoreUnknown
from pideai_whatsapp.errors import PhoneUnusable
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, digits_of, region_of, to_e164


async def digits_in_store(db: Database, store_id: UUID, raw: str) -> str:
    """Return the digits of the phone that was meant; of what is none, those that are there, to be found at an end.

    Raises:
        ValidationException: there are none.
        StoreUnknown: the store is gone.
    """
    try:
        return digits_of(await phone_in_store(db, store_id, raw))
    except PhoneUnusable:
        digits = re.sub(r"\D", "", raw).lstrip("0")
        if not digits:
            raise ValidationException("phone", extra=[{"key": "phone", "message": "has no digits"}]) from None
        return digits


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

"""What a store may still send: the shop's own count, as the panel shows it."""

from datetime import date
from typing import Annotated

import msgspec
from litestar import get

from pideai_whatsapp.routes.parts import Context
from pideai_whatsapp.statements import statement


class MessageCreditsOut(msgspec.Struct, frozen=True, kw_only=True):
    """A store's credits for WhatsApp messages; monthly ones are spent first."""

    monthly_credits: Annotated[int, msgspec.Meta(description="How many come each month.")]
    extra_credits: Annotated[int, msgspec.Meta(description="Extra ones that are left.")]
    credits_used: Annotated[int, msgspec.Meta(description="Monthly ones that are spent this month.")]
    credits_available: Annotated[int, msgspec.Meta(description="What may still be spent.")]
    renews_on: Annotated[date, msgspec.Meta(description="When the monthly ones come anew.")]


@get("/credits", summary="Show the store's credits for messages")
async def get_credits(context: Context) -> MessageCreditsOut:
    """Show what is left. Each movement, with its delivery, is in the ledger of the store's plugin."""
    row = await context.db.fetch_one(statement("credits"), {"store_id": context.store_id})
    if row is None:
        raise RuntimeError("the statement of the credits gives a row for any store")
    return MessageCreditsOut(**row)

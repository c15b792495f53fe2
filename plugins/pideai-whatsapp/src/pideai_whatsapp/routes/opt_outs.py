"""Who wants no advertising of the store: listed, added and taken off by the owner."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody

from pideai_whatsapp.routes.parts import PAGE, Context, Cursor, Limit, TypedPhone, cursor_of, place_of
from pideai_whatsapp.routes.phones import phone_in_store
from pideai_whatsapp.sending import opt_outs
from pideai_whatsapp.sending.opt_outs import OptOut
from pideai_whatsapp.text.phones import Phone


class OptOutIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone that wants no advertising."""

    phone: TypedPhone


class OptOutOut(msgspec.Struct, frozen=True, kw_only=True):
    """A phone that wants no advertising of the store; notices of its own orders still reach it."""

    phone: Annotated[str, msgspec.Meta(description="In E.164.")]
    since: datetime
    by: Annotated[Literal["customer", "owner"], msgspec.Meta(description="Who said so.")]


class OptOutPage(msgspec.Struct, frozen=True):
    """A page, newest first."""

    items: list[OptOutOut]
    next_cursor: str | None


@get("/opt-outs", summary="List who wants no advertising")
async def list_opt_outs(context: Context, cursor: Cursor = None, limit: Limit = PAGE) -> OptOutPage:
    """List the phones that get no promotions, reminders and campaigns."""
    place = place_of(cursor)
    after = None if place is None else OptOut(phone=Phone(place[1]), since=place[0], by="owner")
    found = await opt_outs.list_opt_outs(context.db, context.store_id, limit=limit + 1, after=after)
    page = found[:limit]
    more = cursor_of(page[-1].since, page[-1].phone) if len(found) > limit else None
    return OptOutPage([OptOutOut(phone=one.phone, since=one.since, by=one.by) for one in page], more)


@post("/opt-outs", status_code=204, summary="Keep advertising from a phone")
async def add_opt_out(data: JSONBody[OptOutIn], context: Context) -> None:
    """Keep promotions, reminders and campaigns from a phone. Does nothing where it is kept already."""
    phone = await phone_in_store(context.db, context.store_id, data.phone)
    await opt_outs.opt_out(context.db, context.store_id, phone, by="owner")


@delete("/opt-outs/{phone:str}", summary="Let advertising reach a phone again")
async def remove_opt_out(phone: FromPath[str], context: Context) -> None:
    """Let promotions, reminders and campaigns reach a phone again. Does nothing where nothing kept them from it."""
    found = await phone_in_store(context.db, context.store_id, phone)
    await opt_outs.opt_in(context.db, context.store_id, found)

"""The whole order as the message generator writes it, to be looked at before a store confirms with it."""

from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec
from litestar import post
from litestar.params import JSONBody

from pideai_whatsapp.routes.parts import Context
from pideai_whatsapp.routes.templates import Body, TextPreviewOut
from pideai_whatsapp.sending.attempt import base_domain_of
from pideai_whatsapp.sending.template_store import TemplateStore

OrderType = Literal["delivery", "pickup", "dine_in", "digital_menu"]


class WholeOrderIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which order is to be looked at."""

    order_type: Annotated[OrderType, msgspec.Meta(description="It chooses the store's template.")] = "delivery"
    template: Annotated[Body | None, msgspec.Meta(description="A text; left out, the one that holds now.")] = None


@post("/order-preview", status_code=200, summary="Look at a whole order")
async def preview_order(context: Context, data: JSONBody[WholeOrderIn | None] = None) -> TextPreviewOut:
    """Write a sample order as `confirmationStyle: full` confirms one, with today's rate. Nothing is kept."""
    wanted = data or WholeOrderIn()
    store = TemplateStore(context.db, context.store_id, base_domain=base_domain_of(context))
    composed = await store.preview_order(wanted.order_type, at=datetime.now(UTC), template=wanted.template)
    return TextPreviewOut(text=composed.text, unknown_tokens=list(composed.unknown))

"""The store's eight texts: as they are, changed, and as a customer would read them."""

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import get, post, put
from litestar.params import FromPath, JSONBody

from pideai_host.api import PluginContext
from pideai_whatsapp.routes.parts import Context
from pideai_whatsapp.sending.attempt import base_domain_of
from pideai_whatsapp.sending.template_store import BODY_MAX_CHARS, Template, TemplateStore, Token
from pideai_whatsapp.text.templates import MessageType

Body = Annotated[str, msgspec.Meta(max_length=BODY_MAX_CHARS, description="The text, with its tokens in braces.")]


class TemplateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed; what is left out stays."""

    message_body: Body | None = None
    is_active: Annotated[bool | None, msgspec.Meta(description="Whether messages of this kind go out.")] = None


class PreviewIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be looked at."""

    message_body: Annotated[Body | None, msgspec.Meta(description="A text; left out, the one that holds now.")] = None


class TemplateOut(msgspec.Struct, frozen=True, kw_only=True):
    """One of the store's templates."""

    template_type: MessageType
    template_name: str
    message_body: str
    is_active: bool
    is_own: Annotated[bool, msgspec.Meta(description="False while the store has no text of its own: then it is ours.")]
    tokens: Annotated[list[Token], msgspec.Meta(description="The tokens that it may hold.")]
    unknown_tokens: Annotated[
        list[str],
        msgspec.Meta(description="Names in it that are no tokens of its kind; customers see them as they are."),
    ]
    updated_at: datetime | None


class TemplateList(msgspec.Struct, frozen=True):
    """The store's templates, in the order in which they are shown."""

    items: list[TemplateOut]


class TextPreviewOut(msgspec.Struct, frozen=True, kw_only=True):
    """A text as a customer would read it."""

    text: Annotated[str, msgspec.Meta(description="With a sample order, in the store's money and words.")]
    unknown_tokens: Annotated[list[str], msgspec.Meta(description="Names in it that are no tokens of its kind.")]


@get("/templates", summary="List the store's templates")
async def list_templates(context: Context) -> TemplateList:
    """List all eight, each with the tokens that it may hold."""
    return TemplateList([_shown(one) for one in await _store_of(context).list()])


@put("/templates/{template_type:str}", summary="Change a template")
async def update_template(
    template_type: FromPath[MessageType], data: JSONBody[TemplateIn], context: Context
) -> TemplateOut:
    """Change a text, or switch it. A text with an unknown token is refused, with the tokens that are known."""
    changed = await _store_of(context).update(template_type, body=data.message_body, is_active=data.is_active)
    return _shown(changed)


@post("/templates/{template_type:str}/preview", status_code=200, summary="Look at a template")
async def preview_template(
    template_type: FromPath[MessageType], context: Context, data: JSONBody[PreviewIn | None] = None
) -> TextPreviewOut:
    """Write a text as a customer would read it, with a sample order. Nothing is kept."""
    composed = await _store_of(context).preview(template_type, body=None if data is None else data.message_body)
    return TextPreviewOut(text=composed.text, unknown_tokens=list(composed.unknown))


def _store_of(context: PluginContext) -> TemplateStore:
    return TemplateStore(context.db, context.store_id, base_domain=base_domain_of(context))


def _shown(one: Template) -> TemplateOut:
    return TemplateOut(
        template_type=one.kind,
        template_name=one.name,
        message_body=one.body,
        is_active=one.is_active,
        is_own=one.is_own,
        tokens=list(one.tokens),
        unknown_tokens=list(one.unknown),
        updated_at=one.updated_at,
    )

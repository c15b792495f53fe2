"""A message that the owner asks for: checked and written at once, so that what can never go out is refused at once."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from pideai_whatsapp.errors import MessageRejected
from pideai_whatsapp.providers.base import MessageRefused
from pideai_whatsapp.providers.media import require_public
from pideai_whatsapp.sending.draft import phone_of
from pideai_whatsapp.sending.facts import Facts, Records
from pideai_whatsapp.sending.notify import IS_OFF, OPTED_OUT
from pideai_whatsapp.sending.queued import QueuedMessage
from pideai_whatsapp.text.message import MAX_CHARS, NAME_MAX_CHARS, one_line, tidy, token_values
from pideai_whatsapp.text.preview import tokens_of
from pideai_whatsapp.text.templates import ADVERTISING, DEFAULT_TEXTS, TEMPLATE_NAMES, MessageType
from pideai_whatsapp.text.tokens import render

VARIABLE_MAX_CHARS: Final = 1_000


class Manual(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner asks for.

    Attributes:
        message_id: Chosen by who asks: the same id is the same message, however often it is asked for.
        customer_phone: As typed; read in the store's country.
        kind: `MessageType.MANUAL` for `text` as it is, or the kind whose template is to be used.
        text: With `MessageType.MANUAL`: what to say, or the caption of a picture. It may hold tokens.
        variables: Values of tokens, before those that the order and the store give.
        order_id: The order that it is about, for its tokens and for the list of messages.
    """

    message_id: UUID
    customer_phone: str
    customer_name: str | None = None
    kind: MessageType = MessageType.MANUAL
    text: str | None = None
    variables: Mapping[str, str] = {}
    image_url: str | None = None
    order_id: UUID | None = None


async def write_manual(wanted: Manual, *, records: Records, base_domain: str) -> QueuedMessage:
    """Write what the owner asks for, ready for `queued.enqueue`. Nothing is sent or kept.

    Raises:
        MessageRejected: it can never go out; why is for the owner.
        PhoneUnusable: the phone cannot be one.
        AmountUnusable: an amount of the order cannot be written.
        StoreUnknown: the store is gone.
    """
    facts = await records.facts(wanted.kind, wanted.message_id, order_id=wanted.order_id)
    if not facts.is_enabled:
        raise MessageRejected(IS_OFF)
    phone = phone_of(wanted.customer_phone, facts)
    if wanted.kind in ADVERTISING and await records.is_opted_out(phone):
        raise MessageRejected(OPTED_OUT)
    values = await _values_of(wanted, facts, records=records, base_domain=base_domain)
    return QueuedMessage(
        message_id=wanted.message_id,
        phone=phone,
        kind=wanted.kind,
        text=_text_of(wanted, facts, values),
        customer_name=wanted.customer_name,
        variables=values,
        image_url=_image_of(wanted),
        order_id=wanted.order_id,
    )


def _image_of(wanted: Manual) -> str | None:
    if wanted.image_url is None:
        return None
    try:
        return require_public(wanted.image_url)
    except MessageRefused as problem:
        raise MessageRejected(problem.message) from problem


async def _values_of(wanted: Manual, facts: Facts, *, records: Records, base_domain: str) -> dict[str, str]:
    """Collect the values of tokens: what the owner gives, else the order's, else the store's."""
    if any(len(value) > VARIABLE_MAX_CHARS for value in wanted.variables.values()):
        raise MessageRejected(f"Un campo tiene más de {VARIABLE_MAX_CHARS} caracteres.")
    values = {
        "customer_name": one_line(wanted.customer_name or "", NAME_MAX_CHARS) or "Cliente",
        "store_name": one_line(facts.store.name, NAME_MAX_CHARS),
        "store_link": facts.store.link(base_domain),
    }
    if wanted.order_id is not None:
        order = await records.order(wanted.order_id)
        if order is None:
            raise MessageRejected("El pedido no existe en esta tienda.")
        items = await records.items(wanted.order_id)
        values |= token_values(order, items=items, store=facts.store, base_domain=base_domain)
    return values | {name: value.strip() for name, value in wanted.variables.items()}


def _text_of(wanted: Manual, facts: Facts, values: Mapping[str, str]) -> str:
    """Write the text of the store's template, or the owner's own words."""
    if wanted.kind is MessageType.MANUAL:
        text = tidy(render(wanted.text or "", values).text)
        if not text and wanted.image_url is None:
            raise MessageRejected("El mensaje está vacío.")
    elif wanted.kind in TEMPLATE_NAMES:
        template = facts.template if facts.template is not None else DEFAULT_TEXTS[wanted.kind]
        rendered = render(template, values)
        missing = sorted(set(rendered.unknown) & tokens_of(wanted.kind, facts.store, base_domain="").keys())
        if missing:
            raise MessageRejected("Faltan campos de la plantilla: " + ", ".join(missing) + ".")
        text = tidy(rendered.text)
    else:
        raise MessageRejected(f"Un mensaje de tipo {wanted.kind} no se envía a mano.")
    if len(text) > MAX_CHARS:
        raise MessageRejected(f"El mensaje tiene {len(text)} caracteres; caben {MAX_CHARS}.")
    return text

"""From rows of the database to what the code works with; pure, and patient with what production may hold."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from pideai_host.api import Address, OrderItem, OrderItemExtra, OrderPayload
from pideai_whatsapp.errors import AmountUnusable
from pideai_whatsapp.sending.facts import Earlier, Facts, SendState
from pideai_whatsapp.sending.switches import ON_FROM_THE_START
from pideai_whatsapp.text.money import PriceFormat
from pideai_whatsapp.text.order_style import OrderStyle
from pideai_whatsapp.text.store import Store
from pideai_whatsapp.text.templates import MessageType

_extras: Final = msgspec.json.Decoder(list[dict[str, Any]] | None, float_hook=Decimal)


def facts_of(row: Mapping[str, Any]) -> Facts:
    """Read a row of ``sql/facts.sql``."""
    return Facts(
        store=store_of(row),
        is_enabled=row["is_enabled"],
        is_connected=row["is_connected"],
        is_taken=bool(row.get("is_taken")),
        panel=panel_of(row["panel"] or {}),
        is_adopted=row["is_adopted"],
        template=row["message_body"],
        is_wanted=row["is_wanted"],
        campaign_status=row["campaign_status"],
        was_said=row["was_said"],
        side=row["side"],
        earlier=_earlier_of(row),
    )


def store_of(row: Mapping[str, Any]) -> Store:
    """Read a store's words and its way to write prices."""
    named = {column: row[column] for column in ("delivery_label", "pickup_label", "digital_menu_label") if row[column]}
    return Store(
        name=row["name"],
        subdomain=row["subdomain"],
        address=row["address"],
        country=row["country"],
        price_format=price_format_of(row),
        **named,
    )


def panel_of(settings: Mapping[str, Any]) -> dict[MessageType, bool]:
    """Take the flags of ``whatsapp_settings`` that are set."""
    flags = {kind: settings.get(f"auto_{kind}") for kind in ON_FROM_THE_START}
    return {kind: flag for kind, flag in flags.items() if isinstance(flag, bool)}


def price_format_of(row: Mapping[str, Any]) -> PriceFormat:
    """Take the columns that are set; an empty thousands separator is a store's choice, a null one is not."""
    given = {
        "currency": row["currency"],
        "thousands": row["thousands_separator"],
        "decimal": row["decimal_separator"],
        "places": row["decimal_places"],
    }
    return PriceFormat(**{name: value for name, value in given.items() if value is not None})


def order_style_of(row: Mapping[str, Any]) -> OrderStyle:
    """Read a row of ``sql/order_style.sql``; a template that is null or blank is a new store's."""
    given = {name: row[name] for name in ("product", "delivery", "pickup", "digital_menu")}
    templates = {name: text for name, text in given.items() if text and text.strip()}
    return OrderStyle(**templates, rate=row["rate"] or Decimal(0))


def order_of(row: Mapping[str, Any]) -> OrderPayload:
    """Read a row of ``sql/order.sql``."""
    return OrderPayload(
        order_id=row["id"],
        order_number=str(row["id"])[:8].upper(),
        status=row["status"],
        customer_name=row["customer_name"],
        customer_phone=row["customer_phone"],
        order_type=row["order_type"],
        total=row["total_amount"],
        currency=row["currency"] or PriceFormat().currency,
        delivery_address=Address(text=row["delivery_address"]) if row["delivery_address"] else None,
        delivery_price=row["delivery_price"],
        coupon_code=row["coupon_code"],
        coupon_discount=row["coupon_discount"],
        payment_method=row["payment_method"],
        payment_proof_url=row["payment_proof_url"],
        tracking_code=row["tracking_code"],
        estimated_delivery_minutes=row["estimated_delivery_minutes"],
        notes=row["notes"],
    )


def item_of(row: Mapping[str, Any]) -> OrderItem:
    """Read a row of ``sql/items.sql``.

    Raises:
        AmountUnusable: a price is not a number.
    """
    return OrderItem(
        name=row["name"],
        quantity=row["quantity"],
        unit_price=_amount(row["unit_price"]),
        extras=_extras_of(row["extras"]),
    )


def _earlier_of(row: Mapping[str, Any]) -> Earlier | None:
    if row["state"] is None:
        return None
    return Earlier(
        state=SendState(row["state"]),
        provider=row["provider"],
        provider_message_id=row["provider_message_id"],
        claimed_for_s=row["claimed_for_s"],
    )


def _extras_of(text: str | None) -> tuple[OrderItemExtra, ...]:
    """Read extras as the table or the storefront's JSON column holds them; anything else counts as none."""
    if text is None:
        return ()
    try:
        found = _extras.decode(text) or []
    except (msgspec.DecodeError, RecursionError):
        return ()
    return tuple(
        OrderItemExtra(name=str(name), price=_amount(str(extra.get("price", extra.get("extra_price")) or 0)))
        for extra in found
        if (name := extra.get("name") or extra.get("extra_name"))
    )


def _amount(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as problem:
        raise AmountUnusable("Un precio del pedido no es un número.") from problem

"""Money as a store writes it: rounded half up, grouped and separated the store's way, never a float."""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final

import msgspec

from pideai_whatsapp.errors import AmountUnusable

MAX_DIGITS: Final = 15
"""Integer digits of the largest amount that is written out; the orders table holds eight."""

_PRECISE: Final = Context(prec=40)


class PriceFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How a store writes prices; the defaults are the message generator's own, for columns that are null.

    Attributes:
        places: Decimals shown, 0 to 4.
    """

    currency: str = "USD"
    thousands: str = ","
    decimal: str = "."
    places: int = 2


BOLIVARES: Final = PriceFormat(currency="Bs.", thousands=".", decimal=",", places=2)


def format_price(amount: Decimal, style: PriceFormat) -> str:
    """Write an amount as currency, space, grouped number: ``USD 1.749,30``.

    Raises:
        AmountUnusable: not finite, or more than `MAX_DIGITS` digits before the separator.
    """
    return f"{style.currency} {_number(amount, style)}"


def format_bolivares(amount: Decimal) -> str:
    """Write an amount of bolívares, whatever the store's own format: ``Bs. 1.749,30``.

    Raises:
        AmountUnusable: as `format_price`.
    """
    return format_price(amount, BOLIVARES)


def _number(amount: Decimal, style: PriceFormat) -> str:
    if not amount.is_finite() or amount.adjusted() >= MAX_DIGITS:
        raise AmountUnusable("El pedido tiene un monto que no se puede escribir.")
    rounded = amount.quantize(Decimal(1).scaleb(-style.places), rounding=ROUND_HALF_UP, context=_PRECISE)
    whole, _, fraction = f"{rounded.copy_abs():f}".partition(".")
    grouped = f"{int(whole):,}".replace(",", style.thousands)
    sign = "-" if rounded < 0 else ""
    return f"{sign}{grouped}{style.decimal}{fraction}" if fraction else f"{sign}{grouped}"

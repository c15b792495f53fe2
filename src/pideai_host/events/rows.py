"""The shop's rows as a database change carries them: typed, forgiving about what the host does not need.

Production differs a little from any copy, so unknown columns are passed over and only what an event cannot do without
is required. Numbers are read as Decimal: pg_net sends numeric and bigint as bare numbers of any size (supabase.md 2.1).
"""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec

from pideai_host.api import PideaiError

Raw = msgspec.Raw
ABSENT: Final = msgspec.Raw(b"null")


class NotAChange(PideaiError):  # noqa: N818 - a condition of the caller's body
    """The body is not a JSON object with type, table and record: the caller is told, nothing is kept."""

    code = "not_a_change"


class NotUnderstood(PideaiError):  # noqa: N818 - a condition of the caller's body
    """A change that the host cannot turn into events; it goes to quarantine.

    Attributes:
        reason: One of a few stable words: unreadable, unknown_table, unknown_type, unknown_store, bad_row,
            refused_by_database.
    """

    code = "not_understood"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Change(msgspec.Struct, frozen=True):
    """One row that changed, as the database webhook sends it: whole rows, never ids."""

    type: str
    table: str
    record: Raw
    schema: str = "public"
    old_record: Raw = ABSENT

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"


class OrderRow(msgspec.Struct, frozen=True):
    """A row of public.orders."""

    id: UUID
    store_id: UUID
    status: str
    customer_name: str
    total_amount: Decimal
    customer_email: str | None = None
    customer_phone: str | None = None
    customer_id: UUID | None = None
    order_type: str | None = None
    delivery_address: str | None = None
    delivery_lat: Decimal | None = None
    delivery_lng: Decimal | None = None
    delivery_zone_name: str | None = None
    delivery_price: Decimal | None = None
    coupon_code: str | None = None
    coupon_discount: Decimal | None = None
    payment_method: str | None = None
    payment_proof_url: str | None = None
    tracking_code: str | None = None
    estimated_delivery_minutes: int | None = None
    notes: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class PreviousOrder(msgspec.Struct, frozen=True):
    """What is asked of the row before the change."""

    status: str


_DIGITS_MAX: Final = 30
_NUMBERS: Final = ("total_amount", "delivery_price", "coupon_discount", "delivery_lat", "delivery_lng")
_decode_change: Final = msgspec.json.Decoder(Change).decode
_decode_order: Final = msgspec.json.Decoder(OrderRow).decode
_decode_previous: Final = msgspec.json.Decoder(PreviousOrder).decode
_decode_columns: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def read_change(body: bytes) -> Change:
    """Read the body of a database webhook.

    Raises:
        NotAChange: it is not a JSON object with type, table and record; the message says where it fails.
        NotUnderstood: it is one, but holds something that cannot be read (unreadable).
    """
    try:
        return _decode_change(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if _looks_like_a_change(body):
            raise NotUnderstood("unreadable", str(error)) from error
        raise NotAChange(
            f"the body is not a database change: {error}",
            hint='Send {"type": …, "table": …, "schema": …, "record": …, "old_record": …}, as a database webhook does.',
        ) from error


def _looks_like_a_change(body: bytes) -> bool:
    """Ask a reader that takes more than ours, lone surrogates for one, whether a body has a change's shape."""
    try:
        told = json.loads(body)
    except RecursionError:
        return body.lstrip()[:1] == b"{"  # too deep for anybody: rather kept than lost
    except ValueError:
        return False
    return isinstance(told, dict) and "record" in told and all(isinstance(told.get(k), str) for k in ("type", "table"))


def read_order(raw: Raw) -> OrderRow:
    """Read a row of orders; raises `NotUnderstood` (bad_row) with the column that is wrong."""
    try:
        row = _decode_order(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood("bad_row", str(error)) from error
    for column in _NUMBERS:
        value: Decimal | None = getattr(row, column)
        if value is not None and not _is_amount(value):
            raise NotUnderstood("bad_row", f"{column} is no amount of at most {_DIGITS_MAX} digits on either side")
    return row


def in_utc(instant: datetime) -> datetime:
    """Return an instant of a row in UTC, which is what one without an offset is in.

    Raises:
        NotUnderstood: bad_row; in UTC it lies before the year 1 or after 9999, where no date can be written.
    """
    if instant.tzinfo is None:
        return instant.replace(tzinfo=UTC)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise NotUnderstood("bad_row", f"{instant.isoformat()} is no date in UTC") from None


def _is_amount(value: Decimal) -> bool:
    if not value.is_finite():
        return False
    exponent = value.as_tuple().exponent
    return value.adjusted() < _DIGITS_MAX and isinstance(exponent, int) and exponent >= -_DIGITS_MAX


def read_previous(raw: Raw) -> PreviousOrder:
    """Read the row before an update; raises `NotUnderstood` (bad_row) when it is missing or has no status."""
    try:
        return _decode_previous(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood("bad_row", f"old_record: {error}") from error


def changed_columns(record: Raw, old_record: Raw) -> tuple[str, ...]:
    """Name the columns whose JSON text differs between two rows, sorted."""
    new, old = _decode_columns(record), _decode_columns(old_record)
    return tuple(sorted(name for name in new.keys() | old.keys() if _text(new, name) != _text(old, name)))


def _text(columns: dict[str, Raw], name: str) -> bytes:
    return bytes(columns.get(name, ABSENT)).strip()

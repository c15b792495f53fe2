"""What the owner of a store sees of its events and deliveries: a page at a time, newest first.

A page looks at a bounded number of rows, however few of them are wanted: it may be short, or empty, and still have a
next one. So no question costs more than its page, whatever the history.
"""

from enum import StrEnum
from typing import Final

EXAMINED_MAX: Final = 5_000
"""Rows that one page looks at."""


class DeliveryStatus(StrEnum):
    """How a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

"""On whose word something is replayed over HTTP, and under which id."""

import re
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from litestar import Request
from litestar.exceptions import ValidationException

from pideai_host.events.replay_write import Order
from pideai_host.events.time_range import range_fault
from pideai_host.web.state import user_of

_NUMBER: Final = re.compile(r"[+-]?[0-9.eE_]+")
_DATE: Final = "needs a date and time, such as 2026-01-31T12:00:00Z"
_KEYS: Final = UUID("0d6a1f52-8a0b-5c1e-b1f5-3f1f0a7f9c44")
"""The namespace of replay ids that are made of a client's Idempotency-Key."""


def order_of(request: Request[Any, Any, Any], store_id: UUID, key: str | None) -> Order:
    """Return the order of the signed-in user; the same key of the same user is the same replay."""
    user_id = user_of(request).id
    replay_id = uuid4() if key is None else uuid5(_KEYS, f"{store_id}\x1f{user_id}\x1f{request.url.path}\x1f{key}")
    return Order(f"user {user_id}", replay_id)


def required_range(
    request: Request[Any, Any, Any], since: datetime | None, until: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """Return the ends of a range of time, each with its time zone, or None.

    Raises:
        ValidationException: one is a mere number, does not say its zone or cannot be told in UTC, or the end lies
            before the beginning.
    """
    for name, instant in (("since", since), ("until", until)):
        if _NUMBER.fullmatch(request.query_params.get(name, "")):  # Litestar takes it for seconds: 2026 is in 1970
            raise ValidationException(f"{name} is a number", extra=[{"key": name, "message": _DATE}])
        if instant is not None and instant.tzinfo is None:
            raise ValidationException(
                f"{name} has no time zone", extra=[{"key": name, "message": "needs a time zone, such as Z or -04:00"}]
            )
    fault = range_fault(since, until)
    if fault is not None:
        raise ValidationException(fault)
    return since, until

"""One delivery's new state on its way into the log."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec


class Settlement(msgspec.Struct, kw_only=True):
    """One delivery's new state, as the statement takes it."""

    msg_id: int
    read_ct: int
    id: UUID
    created_at: datetime
    installation_id: UUID
    status: str
    attempts: int
    delay_s: float | None
    park_reason: str | None
    response_code: int | None
    response_body: str | None
    error_message: str | None
    data: msgspec.Raw | None
    attempt: dict[str, Any] | None

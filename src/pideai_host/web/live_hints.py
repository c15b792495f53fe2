"""Have live streams look at once after an owner changed something, instead of at their next turn."""

from typing import Any, Final
from uuid import UUID

from litestar import Request

from pideai_host.web.state import host_state

_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})


async def tell_watchers(request: Request[Any, Any, Any]) -> None:
    """Say that a store may have changed; to be registered as `after_response` below it."""
    store_id = request.path_params.get("store_id")
    changed = host_state(request.scope).changed
    if changed is not None and request.method not in _READING and isinstance(store_id, UUID):
        changed.tell({store_id})

"""The HTTP endpoints, one module a subject."""

from litestar.types import ControllerRouterHandler

from pideai_host.web.routes.health import live, ready
from pideai_host.web.routes.webhooks import receive_database_change

__all__ = ("routes",)


def routes() -> list[ControllerRouterHandler]:
    """Return all endpoints of the host itself."""
    return [live, ready, receive_database_change]

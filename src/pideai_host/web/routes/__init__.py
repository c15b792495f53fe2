"""The HTTP endpoints, one module a subject."""

from collections.abc import Sequence

from litestar.datastructures import CacheControlHeader
from litestar.types import ControllerRouterHandler

from pideai_host.web.access import require_access
from pideai_host.web.auth import Authentication
from pideai_host.web.idempotency import Idempotency, describe_keys
from pideai_host.web.lean import SoleRouter
from pideai_host.web.limits import API_BODY_MAX_BYTES
from pideai_host.web.live_hints import tell_watchers
from pideai_host.web.request_limits import SpendRequests
from pideai_host.web.requests import StrictRequest
from pideai_host.web.routes.audit import list_audit, list_store_audit
from pideai_host.web.routes.breakers import get_breaker, reset_breaker
from pideai_host.web.routes.credits import get_plugin_credits, list_credits, list_plugin_ledger
from pideai_host.web.routes.deliveries import (
    get_delivery,
    list_deliveries,
    list_events,
    replay_delivery,
    replay_event,
)
from pideai_host.web.routes.event_types import get_event_type, list_event_types, test_store_plugin
from pideai_host.web.routes.health import live, ready
from pideai_host.web.routes.metrics import get_metrics
from pideai_host.web.routes.operator import OPERATOR_ROUTES
from pideai_host.web.routes.plugin_webhooks import (
    ask_plugin_webhook,
    ask_store_plugin_webhook,
    call_plugin_webhook,
    call_store_plugin_webhook,
)
from pideai_host.web.routes.plugins import get_plugin, list_plugins
from pideai_host.web.routes.problem_pages import get_problem, list_problems
from pideai_host.web.routes.replays import begin_replay, cancel_replay, get_replay, list_replays, preview_replay
from pideai_host.web.routes.store_plugins import (
    get_store_plugin,
    install_store_plugin,
    list_store_plugin_states,
    list_store_plugins,
    uninstall_store_plugin,
    update_store_plugin,
)
from pideai_host.web.routes.stream import list_notices, stream_store
from pideai_host.web.routes.webhooks import receive_database_change
from pideai_host.web.staff import require_admin

__all__ = ("below_store", "routes")


def routes(of_plugins: Sequence[ControllerRouterHandler] = ()) -> list[ControllerRouterHandler]:
    """Return all endpoints of the host itself.

    Below ``/api`` only signed-in users pass; below a store its owner, and platform admins to read.

    Args:
        of_plugins: The plugins' own routes, one router each (`web.plugin_routes`).
    """
    api = below_store(
        [
            SoleRouter(
                "/plugins",
                route_handlers=[
                    list_store_plugins,
                    install_store_plugin,
                    get_store_plugin,
                    list_store_plugin_states,
                    update_store_plugin,
                    uninstall_store_plugin,
                    get_breaker,
                    reset_breaker,
                    get_plugin_credits,
                    list_plugin_ledger,
                    test_store_plugin,
                ],
            ),
            list_credits,
            list_deliveries,
            get_delivery,
            replay_delivery,
            list_events,
            replay_event,
            SoleRouter(
                "/replays",
                route_handlers=[preview_replay, begin_replay, list_replays, get_replay, cancel_replay],
            ),
            list_store_audit,
            list_notices,
            stream_store,
            *of_plugins,
        ],
        list_plugins,
        get_plugin,
        list_event_types,
        get_event_type,
        SoleRouter("/admin", guards=[require_admin], route_handlers=[list_audit, *OPERATOR_ROUTES]),
    )
    providers = [ask_plugin_webhook, call_plugin_webhook, ask_store_plugin_webhook, call_store_plugin_webhook]
    return [api, get_metrics, list_problems, get_problem, live, ready, receive_database_change, *providers]


def below_store(handlers: Sequence[ControllerRouterHandler], *others: ControllerRouterHandler) -> SoleRouter:
    """Return ``/api`` with handlers below ``/api/stores/{store_id}``, and others beside the stores."""
    store = SoleRouter(
        "/stores/{store_id:uuid}", guards=[require_access], after_response=tell_watchers, route_handlers=handlers
    )
    api = SoleRouter(
        "/api",
        middleware=[Authentication(), SpendRequests(), Idempotency()],
        request_class=StrictRequest,
        request_max_body_size=API_BODY_MAX_BYTES,
        cache_control=CacheControlHeader(no_store=True),  # answers are one owner's, and may hold a new secret
        route_handlers=[*others, store],
    )
    describe_keys(api)
    return api

"""What the handlers need, gathered once by the app and found on every request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from litestar import Request
from litestar.types import Scope

from pideai_host.web.seldom import Seldom

if TYPE_CHECKING:  # auth and access find their parts through this module
    from pideai_host.events.breaker_rows import BreakerRows
    from pideai_host.events.changed import ChangedStores
    from pideai_host.events.delivery_log import DeliveryLog
    from pideai_host.events.doors import WebhookDoor
    from pideai_host.events.live import Live
    from pideai_host.events.outbox import Outbox
    from pideai_host.events.provider_webhooks import ProviderWebhooks
    from pideai_host.events.replay import Replays
    from pideai_host.events.replay_range import ReplayRanges
    from pideai_host.events.try_out import TryOut
    from pideai_host.settings.read import Network
    from pideai_host.stores.answers import KeptAnswers
    from pideai_host.stores.audit import AuditTrail
    from pideai_host.stores.calls import StoreCalls
    from pideai_host.stores.catalogue import Catalogue
    from pideai_host.stores.credit_accounts import CreditAccounts
    from pideai_host.stores.installations import Installations
    from pideai_host.stores.lifecycle import Lifecycle
    from pideai_host.stores.notices import Notices
    from pideai_host.telemetry.pools import Measured
    from pideai_host.web.access import StoreAccess
    from pideai_host.web.auth import User, Verifier
    from pideai_host.web.operator_parts import OperatorParts
    from pideai_host.web.plan import PlanGate
    from pideai_host.web.readiness import Readiness
    from pideai_host.web.request_limits import RequestLimits

REFUSALS_TOLD_S: Final = 60.0
"""How often the log tells that changes are refused for their secret."""

STATE_KEY: Final = "host"
"""Where the app keeps the `HostState`: ``app.state.host``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """The parts of a running host that requests reach.

    Attributes:
        webhook_secrets: One or two values of X-PideAI-Webhook-Secret that open the door of database changes; with
            none, it stays shut.
        changed: Tells live streams of stores that changed; None where there are none.
        plan: Asks whether a store's plan has a plugin's module; None where the operator wants no plan asked.
        limits: Counts requests; None where they are not counted.
        answers: Keeps answers under the clients' keys; None where there is nothing to keep them in, then keys are not
            heard.
        metrics_tokens: Each lets its bearer read the metrics; with none, only this machine may.
        pools: What the metrics tell of.
        trusted_proxies: Whose word on the client's address counts.
        webhooks_refused: Database changes that came without a right secret.
    """

    door: "WebhookDoor"
    webhook_secrets: Sequence[bytes] = field(repr=False)
    verifier: "Verifier"
    access: "StoreAccess"
    catalogue: "Catalogue"
    installations: "Installations"
    lifecycle: "Lifecycle"
    breakers: "BreakerRows"
    credits: "CreditAccounts"
    delivery_log: "DeliveryLog"
    replays: "Replays"
    replay_ranges: "ReplayRanges"
    store_calls: "StoreCalls"
    outbox: "Outbox"
    provider_webhooks: "ProviderWebhooks"
    audit: "AuditTrail"
    operator: "OperatorParts"
    try_out: "TryOut"
    notices: "Notices"
    live: "Live"
    readiness: "Readiness"
    plan: "PlanGate | None" = None
    changed: "ChangedStores | None" = None
    limits: "RequestLimits | None" = None
    answers: "KeptAnswers | None" = None
    trusted_proxies: "Sequence[Network]" = ()
    metrics_tokens: Sequence[bytes] = field(default=(), repr=False)
    pools: "Sequence[Measured]" = ()
    webhooks_refused: Seldom = field(default_factory=lambda: Seldom(REFUSALS_TOLD_S))


def host_state(scope: Scope) -> HostState:
    """Return the running host's parts."""
    return cast("HostState", scope["litestar_app"].state[STATE_KEY])


def user_of(request: Request[Any, Any, Any]) -> "User":
    """Return the signed-in user; only below `pideai_host.web.auth.Authentication` is there one."""
    return cast("User", request.user)

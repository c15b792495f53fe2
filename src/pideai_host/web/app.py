"""The one place where all is put together: the Litestar application of one process."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from litestar import Litestar

from pideai_host import __version__, telemetry
from pideai_host.api import PideaiError
from pideai_host.collector import set_collector_for_serving
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.events.delivery_log import DeliveryLog
from pideai_host.events.live import open_live
from pideai_host.events.provider_webhooks import ProviderWebhooks
from pideai_host.events.replay import Replays
from pideai_host.events.replay_range import ReplayRanges
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings
from pideai_host.stores.audit import AuditTrail
from pideai_host.stores.credit_accounts import CreditAccounts
from pideai_host.stores.notices import Notices
from pideai_host.web.access import StoreAccess
from pideai_host.web.cors import let_pages_in
from pideai_host.web.engine import open_engine
from pideai_host.web.front import Front
from pideai_host.web.headers import add_security, count_answer
from pideai_host.web.identity import identity_client, open_identity, require_identity
from pideai_host.web.lean import LeanApp
from pideai_host.web.measured import Measured, end_of_wait
from pideai_host.web.openapi import openapi_config
from pideai_host.web.operator_parts import OperatorParts
from pideai_host.web.options import tell_methods
from pideai_host.web.plan import PlanGate
from pideai_host.web.plugin_routes import mount
from pideai_host.web.problems import to_response
from pideai_host.web.readiness import Readiness, refused_here
from pideai_host.web.request_limits import RequestLimits, add_limits
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.schemas import StrictStructs
from pideai_host.web.state import STATE_KEY, HostState
from pideai_host.web.stopping import end_on_sigterm, leave
from pideai_host.web.traced import TracedFront

_log: Final = telemetry.get_logger(__name__)


def create_app() -> Front:
    """Build the application from the environment, with a worker inside. For the server, which imports it by name."""
    return _front(build_app(_begin(), with_worker=True, is_served=True))


def create_app_without_worker() -> Front:
    """Build the application from the environment; `pideai-host worker` runs elsewhere."""
    return _front(build_app(_begin(), with_worker=False, is_served=True))


def build_app(
    settings: Settings, registry: Registry | None = None, *, with_worker: bool, is_served: bool = False
) -> Litestar:
    """Build the application with the plugins' routes; nothing is opened before its lifespan begins.

    Args:
        settings: The process's.
        registry: The plugins; loaded here if not given.
        with_worker: Whether deliveries are made in this process.
        is_served: Whether granian runs it, whose stop has to be helped along.
    """
    mounted = mount(load_registry(settings.plugins) if registry is None else registry)
    app = LeanApp(
        routes(mounted.routers),
        lifespan=[_lifespan(settings, mounted.registry, with_worker=with_worker, is_served=is_served)],
        exception_handlers={Exception: to_response},
        before_send=[add_request_id, add_limits, add_security, tell_methods, count_answer, end_of_wait],
        middleware=[Measured()],
        logging_config=None,  # ours is set up in telemetry
        openapi_config=openapi_config(__version__),
        plugins=[StrictStructs()],
    )
    return let_pages_in(app, settings.cors_origins)


def _begin() -> Settings:
    """Read the environment, and set what belongs to the whole process."""
    settings = Settings.from_env()
    set_collector_for_serving()
    telemetry.hush_output()
    telemetry.set_up(level=settings.log_level, log_format=settings.log_format)
    try:
        telemetry.tracing.set_up(settings.traces_endpoint)
    except PideaiError as error:
        leave(error)
    return settings


def _front(app: Litestar) -> Front:
    return Front(app) if telemetry.tracing.active is None else TracedFront(app, telemetry.tracing.active)


def _lifespan(
    settings: Settings, registry: Registry, *, with_worker: bool, is_served: bool
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(opened(app))
            except PideaiError as error:
                if is_served:
                    leave(error)
                raise
            yield
        if is_served:
            await asyncio.to_thread(telemetry.tracing.shut_down)

    @asynccontextmanager
    async def opened(app: Litestar) -> AsyncIterator[None]:
        require_identity(settings)
        if not settings.webhook_secrets:
            _log.warning(
                "webhook_door_shut", reason="PIDEAI_WEBHOOK_SECRETS is not set: every database change gets 401"
            )
        async with (
            open_engine(settings, registry, with_worker=with_worker) as engine,
            identity_client(settings) as client,
            open_identity(settings, client) as identity,
            open_live(engine.pool, settings.database_url or "") as live,
        ):
            if is_served:
                end_on_sigterm(live.end_all)
            app.state[STATE_KEY] = HostState(
                door=engine.door,
                webhook_secrets=[secret.encode() for secret in settings.webhook_secrets],
                verifier=identity.verifier,
                access=StoreAccess(engine.pool),
                catalogue=engine.catalogue,
                installations=engine.installations,
                lifecycle=engine.lifecycle,
                breakers=BreakerRows(engine.pool),
                credits=CreditAccounts(engine.pool),
                delivery_log=DeliveryLog(engine.pool),
                replays=Replays(engine.pool, on_lanes=engine.notifier.lanes),
                replay_ranges=ReplayRanges(engine.pool),
                plan=PlanGate(engine.pool, engine.registry.definitions) if settings.plan_gate else None,
                limits=RequestLimits(
                    engine.pool, per_user=settings.user_requests_per_min, per_store=settings.store_requests_per_min
                ),
                answers=engine.answers,
                store_calls=engine.store_calls,
                outbox=engine.outbox,
                notices=Notices(engine.pool),
                live=live,
                changed=engine.changed,
                provider_webhooks=ProviderWebhooks(engine.store_calls, engine.outbox, engine.pool, os.environ),
                audit=AuditTrail(engine.pool),
                try_out=engine.try_out,
                operator=OperatorParts(pool=engine.pool, records=engine.registry.records, bodies=engine.bodies),
                trusted_proxies=settings.trusted_proxies,
                metrics_tokens=[token.encode() for token in settings.metrics_tokens],
                pools=[engine.pool, engine.engine_pool],
                readiness=Readiness(
                    engine.pool,
                    identity.keys,
                    worker_running=None
                    if engine.worker is None
                    else lambda: bool(engine.worker and engine.worker.is_running),
                    quarantined=engine.quarantine.reasons,
                    hanging=engine.runner.all_stuck,
                    missing_lanes=lambda: engine.worker.missing_lanes if engine.worker else (),
                    refused=refused_here(engine.registry.records),
                    needs_worker=bool(engine.registry.hooks("handle_event")),
                ),
            )
            yield

    return lifespan

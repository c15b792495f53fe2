"""The engine of a process: every part below HTTP, put together once, taken down in order."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import msgspec

from pideai_host.api import ConfigurationError, PluginDefinition, PluginJob
from pideai_host.db.pool import Pool, open_pool
from pideai_host.events.alive import Heartbeat
from pideai_host.events.breaker_rows import BreakerRows
from pideai_host.events.breakers import Breakers
from pideai_host.events.capture import CaptureDoor
from pideai_host.events.carts import cart_sweep
from pideai_host.events.changed import ChangedStores
from pideai_host.events.changes import ChangeReader
from pideai_host.events.complete import Completer
from pideai_host.events.depths import LaneDepths
from pideai_host.events.directory import StoreDirectory
from pideai_host.events.dispatch import Dispatcher
from pideai_host.events.doors import WebhookDoor
from pideai_host.events.installed import InstalledCopies
from pideai_host.events.intake import Intake
from pideai_host.events.job_rows import JobRows
from pideai_host.events.jobs import Upkeep, jobs_of
from pideai_host.events.kept_bodies import KeptBodies
from pideai_host.events.ordering import Ordering, OrderUpkeep
from pideai_host.events.outbox import Outbox
from pideai_host.events.plugin_jobs import PluginJobs
from pideai_host.events.quarantine_rows import QuarantineRows
from pideai_host.events.quarantines import Quarantines
from pideai_host.events.queue import Queue
from pideai_host.events.rates import Rates
from pideai_host.events.reach import ReachParts
from pideai_host.events.replay_job import ReplayJob
from pideai_host.events.schedule import Scheduler
from pideai_host.events.settle import Settler
from pideai_host.events.sweep import Sweep
from pideai_host.events.traced import DeliveryTraces
from pideai_host.events.try_out import TryOut
from pideai_host.events.wake import Listener, Notifier
from pideai_host.events.worker import Worker
from pideai_host.outgoing.client import OutgoingClient, make_client
from pideai_host.plugins.awake import awake
from pideai_host.plugins.call import HookRunner
from pideai_host.plugins.event_types import with_event_types
from pideai_host.plugins.jobs import collect_jobs
from pideai_host.plugins.migrations import without_unmigrated
from pideai_host.plugins.quarantine import Quarantine
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.plugins.traced import TracedRunner
from pideai_host.plugins.watchdog import Watchdog
from pideai_host.settings import Settings
from pideai_host.stores.answers import KeptAnswers
from pideai_host.stores.calls import StoreCalls
from pideai_host.stores.catalogue import Catalogue
from pideai_host.stores.context import ContextFactory
from pideai_host.stores.installations import Installations
from pideai_host.stores.lifecycle import Lifecycle
from pideai_host.stores.recovery import Recovery
from pideai_host.stores.secrets import Sealer
from pideai_host.stores.upgrade import Upgrade
from pideai_host.supabase import open_service_client
from pideai_host.telemetry import get_logger, tracing
from pideai_host.web.tables import require_tables, waiting_migrations

_log = get_logger(__name__)


class Engine(msgspec.Struct, frozen=True, kw_only=True):
    """The running parts of one process.

    Attributes:
        pool: For requests; the intake and the worker have their own, so that neither starves the other.
        worker: None in a process that only takes events in.
    """

    settings: Settings
    registry: Registry
    pool: Pool
    engine_pool: Pool
    http: OutgoingClient
    door: WebhookDoor
    intake: Intake
    notifier: Notifier
    catalogue: Catalogue
    installations: Installations
    lifecycle: Lifecycle
    answers: KeptAnswers
    upgrade: Upgrade
    store_calls: StoreCalls
    outbox: Outbox
    changed: ChangedStores
    capture: CaptureDoor
    bodies: KeptBodies
    try_out: TryOut
    heartbeat: Heartbeat
    scheduler: Scheduler
    plugin_jobs: PluginJobs
    quarantine: Quarantine
    runner: HookRunner
    worker: Worker | None


@asynccontextmanager
async def open_engine(
    settings: Settings,
    registry: Registry | None = None,
    *,
    with_worker: bool,
    with_intake: bool = True,
    plugins: Collection[str] = (),
) -> AsyncIterator[Engine]:
    """Put the engine together and keep it running as long as the block runs; then stop what was started, in order.

    A stop finishes what runs: requests under way, claimed deliveries, outcomes to be written.

    Args:
        settings: The process's.
        registry: The plugins; loaded here if not given.
        with_worker: Whether deliveries are made here.
        with_intake: Whether events are taken in here.
        plugins: Slugs whose lanes the worker serves; none for all.

    Raises:
        ConfigurationError: a setting is wrong, a slug is of no loaded plugin, or the database lacks the host's tables.
        DatabaseUnavailable: the database does not answer.
    """
    url = settings.database_url
    if url is None:
        raise ConfigurationError("there is no database", hint="Set DATABASE_URL.")
    if registry is None:
        registry = await asyncio.to_thread(load_registry, settings.plugins)
    served(registry, plugins)  # what is misspelt is told before anything is opened
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(
            open_pool(
                url,
                min_size=settings.pool_min_size,
                max_size=settings.pool_max_size,
                name="pideai-host",
                variable=settings.database_variable,
            )
        )
        await require_tables(pool)
        waiting = await waiting_migrations(pool)
        if waiting:
            _log.warning("migrations_wait", waiting=len(waiting), first=waiting[0], hint="Run `pideai-host migrate`.")
        registry = await without_unmigrated(registry, pool)
        registry = await asyncio.to_thread(with_event_types, registry)
        collected = await asyncio.to_thread(collect_jobs, registry)
        engine_pool = await stack.enter_async_context(
            open_pool(url, min_size=4, max_size=max(6, settings.pool_max_size), name="pideai-host-engine", check=False)
        )
        http = make_client(allow=settings.http_allow, trace_hosts=settings.trace_hosts)
        stack.push_async_callback(http.aclose)
        quarantine = Quarantine()
        runner = _runner(quarantine)
        runner.leftovers.watch(asyncio.get_running_loop())
        stack.push_async_callback(runner.aclose)
        watchdog = Watchdog(quarantine.blocked)
        watchdog.start()
        stack.callback(watchdog.stop)
        registry = await stack.enter_async_context(awake(collected.registry, runner))
        definitions = {slug: one for slug, one in served(registry).items() if not plugins or slug in plugins}
        jobs = {slug: some for slug, some in collected.of_plugin.items() if slug in registry.definitions}
        sealer = Sealer(settings.master_keys)
        supabase = await stack.enter_async_context(open_service_client(settings))
        changed = ChangedStores(engine_pool)
        contexts = ContextFactory(
            pool, http.lent(), sealer, os.environ, supabase, on_notice=changed.tell, event_types=registry.event_types
        )
        installations = Installations(pool)
        engine = _assemble(
            settings=settings,
            registry=registry,
            pool=pool,
            engine_pool=engine_pool,
            http=http,
            runner=runner,
            contexts=contexts,
            installations=installations,
            lifecycle=Lifecycle(pool, registry, runner, contexts, sealer, allow=settings.http_allow),
            definitions=definitions if with_worker else None,
            quarantine=quarantine,
            with_intake=with_intake,
            changed=changed,
            plugin_jobs=jobs if with_worker else {},
        )
        await _start(engine, url, stack, with_intake=with_intake)
        yield engine


def _assemble(
    *,
    settings: Settings,
    registry: Registry,
    pool: Pool,
    engine_pool: Pool,
    http: OutgoingClient,
    runner: HookRunner,
    contexts: ContextFactory,
    installations: Installations,
    lifecycle: Lifecycle,
    definitions: Mapping[str, PluginDefinition] | None,
    quarantine: Quarantine,
    with_intake: bool,
    changed: ChangedStores,
    plugin_jobs: Mapping[str, tuple[PluginJob, ...]],
) -> Engine:
    directory = StoreDirectory(engine_pool, monotonic=time.monotonic)
    notifier = Notifier(engine_pool)
    intake = Intake(engine_pool, directory, on_lanes=notifier.lanes, on_changed=changed.tell)
    reader = ChangeReader(directory, now=_now)
    depths = LaneDepths(engine_pool)
    jobs = jobs_of(
        sweep=Sweep(engine_pool, reader, intake),
        carts=cart_sweep(engine_pool, directory, intake),
        upkeep=Upkeep(engine_pool, retention_days=settings.retention_days, audit_days=settings.audit_days),
        order=OrderUpkeep(engine_pool, on_lanes=intake.tell),
        replays=ReplayJob(engine_pool, on_lanes=notifier.lanes),
        recovery=Recovery(pool, registry, lifecycle),
        depths=depths,
        sweep_interval_s=settings.sweep_interval_s,
    )
    worker = None
    quarantined = Quarantines(QuarantineRows(engine_pool), own=quarantine.reasons)
    if definitions is not None:
        breakers = Breakers(BreakerRows(engine_pool))
        worker = Worker(
            Queue(engine_pool),
            dispatcher=Dispatcher(registry, runner, contexts, breakers),
            completer=Completer(engine_pool),
            settler=Settler(engine_pool, intake, on_changed=changed.tell),
            installed=InstalledCopies(installations, registry),
            breakers=breakers,
            rates=Rates(engine_pool),
            ordering=Ordering(engine_pool),
            definitions=definitions,
            quarantined=quarantined,
            traces=None if tracing.active is None else DeliveryTraces(engine_pool, tracing.active),
            now=_now,
        )
        notifier.tell(worker.wake)
    scheduler = Scheduler(settings.database_url or "", jobs, on_lost=depths.forget)
    store_calls = StoreCalls(registry, runner, contexts, installations, quarantined=quarantine.reasons)
    outbox = Outbox(pool, intake, on_changed=changed.tell)
    return Engine(
        settings=settings,
        registry=registry,
        pool=pool,
        engine_pool=engine_pool,
        http=http,
        door=WebhookDoor(engine_pool, directory, intake, now=_now),
        intake=intake,
        notifier=notifier,
        catalogue=Catalogue(pool),
        installations=installations,
        lifecycle=lifecycle,
        upgrade=Upgrade(pool, registry, lifecycle),
        answers=KeptAnswers(pool, contexts.sealer),
        store_calls=store_calls,
        try_out=TryOut(pool, store_calls, contexts, installations),
        outbox=outbox,
        changed=changed,
        capture=CaptureDoor(engine_pool, reader, intake),
        bodies=KeptBodies(pool, reader, intake),
        heartbeat=Heartbeat(
            engine_pool,
            takes_events=with_intake,
            makes_deliveries=worker is not None,
            plugins=lambda: worker.served if worker is not None else (),
            leads=lambda: scheduler.is_leader,
            quarantined=quarantine.reasons,
        ),
        scheduler=scheduler,
        plugin_jobs=PluginJobs(
            plugin_jobs,
            ReachParts(pool=pool, http=contexts.http, environ=contexts.environ, calls=store_calls, outbox=outbox),
            JobRows(engine_pool),
            runner,
            leads=lambda: scheduler.is_leader,
            quarantined=quarantined,
        ),
        quarantine=quarantine,
        runner=runner,
        worker=worker,
    )


async def _start(engine: Engine, url: str, stack: AsyncExitStack, *, with_intake: bool) -> None:
    """Start the loops; what is started last is stopped first, the intake after the worker that emits into it."""
    stack.push_async_callback(engine.notifier.stop)
    stack.push_async_callback(engine.changed.stop)
    stack.push_async_callback(engine.intake.stop)
    if with_intake:
        await engine.intake.start()
    await engine.heartbeat.start()
    stack.push_async_callback(engine.heartbeat.stop)
    if engine.worker is None:
        return
    await engine.worker.start()
    stack.push_async_callback(engine.worker.stop)
    listener = Listener(url, engine.worker.wake)
    await listener.start()
    stack.push_async_callback(listener.stop)
    await engine.capture.start()
    stack.push_async_callback(engine.capture.stop)
    await engine.upgrade.start()
    stack.push_async_callback(engine.upgrade.stop)
    await engine.scheduler.start()
    stack.push_async_callback(engine.scheduler.stop)
    await engine.plugin_jobs.start()
    stack.push_async_callback(engine.plugin_jobs.stop)


def _runner(quarantine: Quarantine) -> HookRunner:
    if tracing.active is None:
        return HookRunner(on_stuck=quarantine.stuck, on_left=quarantine.left)
    return TracedRunner(tracing.active, on_stuck=quarantine.stuck, on_left=quarantine.left)


def served(registry: Registry, only: Collection[str] = ()) -> Mapping[str, PluginDefinition]:
    """Return the plugins whose lanes are worth serving: all that handle events, or those of them that are named.

    Raises:
        ConfigurationError: a named plugin is not loaded.
    """
    unknown = sorted(set(only) - registry.definitions.keys())
    if unknown:
        raise ConfigurationError(
            f"no plugin {', '.join(unknown)} is loaded",
            hint=f"Loaded: {', '.join(registry.definitions) or 'none'}. `pideai-host plugins list` tells why.",
        )
    return {
        slug: one
        for slug, one in registry.definitions.items()
        if registry.hook(slug, "handle_event") is not None and (not only or slug in only)
    }


def _now() -> datetime:
    return datetime.now(UTC)

"""The host itself, for platform admins: what is loaded, what lives, what waits, what goes wrong, in all stores."""

from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, QueryParameter

from pideai_host.events.alive import processes, unserved
from pideai_host.web.cursor import mark_of
from pideai_host.web.openapi import ADMIN, KEYED, SIGNED_IN_ADMIN, problems, success
from pideai_host.web.operator_examples import (
    FED,
    KEPT_BODY,
    KEPT_BODY_WHOLE,
    LANE,
    LOAD_RECORD,
    OPEN_BREAKER,
    PLUGIN_JOB,
    PROCESS,
    QUARANTINED_PLUGIN,
    UNTAKEN,
    WAITING_CONFIG,
)
from pideai_host.web.operator_models import (
    FedOut,
    KeptBodyPage,
    KeptBodyWholeOut,
    LaneList,
    LaneOut,
    LoadRecordList,
    LoadRecordOut,
    OpenBreakerList,
    OpenBreakerOut,
    PluginJobList,
    PluginJobOut,
    ProcessList,
    ProcessOut,
    QuarantinedPluginList,
    QuarantinedPluginOut,
    UntakenList,
    UntakenOut,
    WaitingConfigList,
    WaitingConfigOut,
)
from pideai_host.web.state import host_state

TAGS: Final = ["Operator"]
PAGE: Final = 50
PAGE_MAX: Final = 200
HOURS_MAX: Final = 168
_ANY: Final = (*SIGNED_IN_ADMIN, "database_unavailable")


@get(
    "/plugins/loads",
    operation_id="listPluginLoads",
    tags=TAGS,
    summary="List what was loaded",
    security=ADMIN,
    responses={
        **success(200, LoadRecordList, {"items": [LOAD_RECORD]}, "One record for each plugin that was found"),
        **problems(*_ANY),
    },
)
async def list_loads(request: Request[Any, Any, Any]) -> LoadRecordList:
    """List what became of each plugin that was found, the broken ones included, in the process that answers."""
    return LoadRecordList([LoadRecordOut.of(one) for one in host_state(request.scope).operator.records])


@get(
    "/plugins/quarantined",
    operation_id="listQuarantinedPlugins",
    tags=TAGS,
    summary="List quarantined plugins",
    security=ADMIN,
    responses={
        **success(200, QuarantinedPluginList, {"items": [QUARANTINED_PLUGIN]}, "Plugins that all workers leave alone"),
        **problems(*_ANY),
    },
)
async def list_quarantined_plugins(request: Request[Any, Any, Any]) -> QuarantinedPluginList:
    """List the plugins that all workers leave alone, and why; `pideai-host plugins release` ends it."""
    return QuarantinedPluginList(
        [QuarantinedPluginOut.of(one) for one in await host_state(request.scope).operator.quarantines.all()]
    )


@get(
    "/plugins/configs",
    operation_id="listWaitingConfigs",
    tags=TAGS,
    summary="List configurations of another version",
    security=ADMIN,
    responses={
        **success(200, WaitingConfigList, {"items": [WAITING_CONFIG]}, "Configurations that deliveries wait for"),
        **problems(*_ANY),
    },
)
async def list_waiting_configs(request: Request[Any, Any, Any]) -> WaitingConfigList:
    """List the configurations of all stores that are older or newer than their plugin's code; their deliveries wait."""
    return WaitingConfigList(
        [WaitingConfigOut.of(one) for one in await host_state(request.scope).operator.configs.all()]
    )


@get(
    "/lanes",
    operation_id="listLanes",
    tags=TAGS,
    summary="List the lanes",
    security=ADMIN,
    responses={**success(200, LaneList, {"items": [LANE]}, "All lanes"), **problems(*_ANY)},
)
async def list_lanes(request: Request[Any, Any, Any]) -> LaneList:
    """List all lanes with their depth and oldest message, as the scheduler saw them within the last seconds."""
    return LaneList([LaneOut.of(one) for one in await host_state(request.scope).operator.depths.all()])


@get(
    "/processes",
    operation_id="listProcesses",
    tags=TAGS,
    summary="List the processes",
    security=ADMIN,
    responses={
        **success(200, ProcessList, {"items": [PROCESS], "unserved": []}, "The processes of the host"),
        **problems(*_ANY),
    },
)
async def list_processes(request: Request[Any, Any, Any]) -> ProcessList:
    """List the processes that said that they live, whose lanes each serves, and which one runs the jobs."""
    pool = host_state(request.scope).operator.pool
    seen = await processes(pool)
    async with pool.connection() as connection:
        return ProcessList([ProcessOut.of(one) for one in seen], await unserved(connection))


@get(
    "/jobs",
    operation_id="listPluginJobs",
    tags=TAGS,
    summary="List the jobs of plugins",
    security=ADMIN,
    responses={**success(200, PluginJobList, {"items": [PLUGIN_JOB]}, "Jobs that had a turn"), **problems(*_ANY)},
)
async def list_plugin_jobs(request: Request[Any, Any, Any]) -> PluginJobList:
    """List the jobs of plugins with what became of their newest turn, in whichever process it was."""
    return PluginJobList([PluginJobOut.of(one) for one in await host_state(request.scope).operator.jobs.all()])


@get(
    "/breakers",
    operation_id="listOpenBreakers",
    tags=TAGS,
    summary="List the breakers of all stores",
    security=ADMIN,
    responses={
        **success(200, OpenBreakerList, {"items": [OPEN_BREAKER]}, "Breakers that are not closed"),
        **problems(*_ANY),
    },
)
async def list_open_breakers(request: Request[Any, Any, Any]) -> OpenBreakerList:
    """List the breakers of all stores that are not closed, the newest opening first."""
    return OpenBreakerList(
        [OpenBreakerOut.of(one) for one in await host_state(request.scope).operator.overview.breakers()]
    )


@get(
    "/events/untaken",
    operation_id="listUntakenEvents",
    tags=TAGS,
    summary="Count events that nobody took",
    security=ADMIN,
    responses={**success(200, UntakenList, {"items": [UNTAKEN]}, "By type"), **problems(*_ANY, "bad_request")},
)
async def list_untaken(
    request: Request[Any, Any, Any],
    hours: Annotated[int, QueryParameter(ge=1, le=HOURS_MAX, description="How far back.")] = 24,
) -> UntakenList:
    """Count the events of the last hours that no enabled installation took, by type."""
    return UntakenList([UntakenOut.of(one) for one in await host_state(request.scope).operator.overview.untaken(hours)])


@get(
    "/quarantine",
    operation_id="listKeptBodies",
    tags=TAGS,
    summary="List what was not understood",
    security=ADMIN,
    responses={
        **success(200, KeptBodyPage, {"items": [KEPT_BODY], "next_cursor": None}, "A page, newest first"),
        **problems(*_ANY, "bad_request"),
    },
)
async def list_kept_bodies(
    request: Request[Any, Any, Any],
    *,
    reason: Annotated[str | None, QueryParameter(max_length=50, description="Why they were kept aside.")] = None,
    cursor: Annotated[
        str | None, QueryParameter(max_length=200, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=PAGE_MAX, description="How many at most.")] = PAGE,
) -> KeptBodyPage:
    """List the bodies that came in and were not understood, newest first."""
    bodies = host_state(request.scope).operator.bodies
    return KeptBodyPage.of(await bodies.page(reason=reason, after=mark_of(cursor), limit=limit + 1), limit)


@get(
    "/quarantine/{body_id:uuid}",
    operation_id="getKeptBody",
    tags=TAGS,
    summary="Show what was not understood",
    security=ADMIN,
    responses={
        **success(200, KeptBodyWholeOut, KEPT_BODY_WHOLE, "The body, as it came"),
        **problems(*_ANY, "bad_request", "body_unknown"),
    },
)
async def get_kept_body(request: Request[Any, Any, Any], body_id: FromPath[UUID]) -> KeptBodyWholeOut:
    """Show a body as it came, a customer's data included."""
    return KeptBodyWholeOut.of_whole(await host_state(request.scope).operator.bodies.get(body_id))


@post(
    "/quarantine/{body_id:uuid}/feed",
    operation_id="feedKeptBody",
    tags=TAGS,
    summary="Feed a body again",
    status_code=200,
    security=ADMIN,
    responses={
        **success(200, FedOut, FED, "Understood now, and kept; the ids of its events"),
        **problems(*_ANY, *KEYED, "bad_request", "body_unknown", "not_fed"),
    },
)
async def feed_kept_body(request: Request[Any, Any, Any], body_id: FromPath[UUID]) -> FedOut:
    """Put a body through its door again, once the host has learnt to understand it; then it leaves quarantine."""
    return FedOut(await host_state(request.scope).operator.bodies.feed(body_id))


OPERATOR_ROUTES: Final = (
    list_loads,
    list_quarantined_plugins,
    list_waiting_configs,
    list_lanes,
    list_processes,
    list_plugin_jobs,
    list_open_breakers,
    list_untaken,
    list_kept_bodies,
    get_kept_body,
    feed_kept_body,
)
"""To be mounted behind `require_admin`."""

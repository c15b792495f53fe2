"""Health: whether the process lives, and whether it can serve. For load balancers; no token, no details."""

from typing import Any, Final, Literal

import msgspec
from litestar import Request, Response, get

from pideai_host.web.openapi import NOBODY, success
from pideai_host.web.state import host_state

TAGS: Final = ["Health"]


class Live(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests can be served; `reasons` names each part that is missing and why.

    Degraded serves all requests; the reasons name plugins that hang or are quarantined here, missing lanes,
    and that no worker lives.
    """

    status: Literal["ok", "degraded", "unavailable"]
    reasons: dict[str, str] = {}


@get(
    "/health/live",
    operation_id="getHealthLive",
    tags=TAGS,
    summary="Is the process alive?",
    security=NOBODY,
    responses=success(200, Live, {"status": "ok"}, "It answers"),
)
async def live() -> Live:
    """Answer as long as the process does."""
    return Live()


@get(
    "/health/ready",
    operation_id="getHealthReady",
    tags=TAGS,
    summary="Can requests be served?",
    security=NOBODY,
    responses={
        **success(200, Ready, {"status": "ok", "reasons": {}}, "Yes; when degraded, the reasons say what is not well"),
        **success(
            503, Ready, {"status": "unavailable", "reasons": {"database": "away"}}, "Not now; the reasons say why"
        ),
    },
)
async def ready(request: Request[Any, Any, Any]) -> Response[Ready]:
    """Look at the database, the signing keys and the worker of this process."""
    readiness = host_state(request.scope).readiness
    reasons = await readiness.reasons()
    if reasons:
        return Response(Ready(status="unavailable", reasons=reasons), status_code=503)
    warnings = readiness.warnings()
    return Response(Ready(status="degraded" if warnings else "ok", reasons=warnings), status_code=200)

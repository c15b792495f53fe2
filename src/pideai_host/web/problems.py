"""Every error of the HTTP surface, in one shape and by one table: problem details of RFC 9457.

`code` is the stable name that a client acts upon; the table says with which status each goes out. What is not in the
table is a fault of ours: it is logged with the request's id, and the client learns nothing but that id.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from pideai_host.api.errors import ConfigRejected, DatabaseUnavailable, PideaiError, PluginFault, PluginSignal
from pideai_host.telemetry import get_logger
from pideai_host.web.auth import Unauthenticated
from pideai_host.web.plugin_refusals import PluginRefused
from pideai_host.web.request_limits import RateLimited
from pideai_host.web.requests import BodyRejected, request_id

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5

TABLE: Final[Mapping[str, tuple[int, str]]] = {
    "bad_request": (400, "The request is not as the documentation says"),
    "body_rejected": (400, "The body is not as the documentation says"),
    "not_a_change": (400, "The body is not a database change"),
    "unauthenticated": (401, "Authentication is needed"),
    "token_invalid": (401, "The token is not valid"),
    "token_expired": (401, "The token has expired"),
    "webhook_secret_wrong": (401, "The webhook secret is missing or wrong"),
    "credits_exhausted": (402, "No credits left"),
    "forbidden": (403, "Not allowed"),
    "owner_needed": (403, "Only a store's owner may do this"),
    "admin_needed": (403, "Only a platform admin may do this"),
    "origin_not_allowed": (403, "Pages of this origin may not do this"),
    "module_not_in_plan": (403, "The store's plan does not include this"),
    "not_found": (404, "There is nothing at this address"),
    "store_unknown": (404, "No such store"),
    "plugin_unknown": (404, "No such plugin"),
    "not_installed": (404, "The plugin is not installed"),
    "plugin_disabled": (404, "The plugin is disabled"),
    "delivery_unknown": (404, "No such delivery"),
    "event_unknown": (404, "No such event"),
    "event_type_unknown": (404, "No such type of events"),
    "body_unknown": (404, "No such body in quarantine"),
    "replay_unknown": (404, "No such replay"),
    "method_not_allowed": (405, "This address does not know that method"),
    "already_installed": (409, "The plugin is installed already"),
    "installation_busy": (409, "Another change is under way"),
    "delivery_pending": (409, "The delivery is under way"),
    "not_replayable": (409, "Nobody is there to take it"),
    "replay_over": (409, "The replay has ended"),
    "not_fed": (409, "It cannot be taken in again"),
    "replays_busy": (409, "Too many replays run"),
    "request_under_way": (409, "The same request is under way"),
    "answer_not_kept": (409, "It was done already"),
    "config_not_current": (409, "The configuration is of another version"),
    "not_ready": (409, "The plugin cannot be enabled yet"),
    "store_problem": (409, "The store does not allow it now"),
    "changed_meanwhile": (412, "It was changed meanwhile"),
    "body_too_large": (413, "The body is too large"),
    "body_too_slow": (408, "The body did not arrive in time"),
    "headers_too_large": (431, "The headers are too large"),
    "media_type_unsupported": (415, "The media type is not understood"),
    "config_rejected": (422, "The configuration has faults"),
    "idempotency_key_reused": (422, "The Idempotency-Key belongs to another request"),
    "sample_rejected": (422, "It is no payload of that type"),
    "plugin_refused": (409, "The plugin refused the request"),
    "plugin_signal": (422, "The plugin refused"),
    "if_match_needed": (428, "It needs If-Match"),
    "too_many_requests": (429, "Too many requests"),
    "secret_unreadable": (500, "A kept secret does not open"),
    "internal_error": (500, "Something went wrong here"),
    "plugin_fault": (502, "The plugin failed"),
    "plugin_unable": (503, "The plugin cannot do it now"),
    "webhook_not_taken": (503, "The call could not be dealt with"),
    "database_unavailable": (503, "The database does not answer"),
    "auth_server_away": (503, "Tokens cannot be checked now"),
    "keys_unavailable": (503, "Tokens cannot be checked yet"),
    "hook_timeout": (504, "The plugin did not answer in time"),
}
"""Code -> status and title. An error whose own code is not here goes by its nearest ancestor's.

`plugin_refused` and `plugin_unable` go out with any status of 4xx and 5xx that the plugin chose.
"""

_HTTP_CODES: Final = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "media_type_unsupported",
    429: "too_many_requests",
}
MESSAGE_MAX_CHARS: Final = 300
"""Of a parameter's fault; some repeat what was sent."""
_UNEXPECTED: Final = "an unexpected error; quote the instance when you report it"
_CLIENT_GONE: Final = "client disconnected prematurely"  # Litestar's words, a server error to it
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_UNFIT: Final = "Validation failed for "  # and these, before method and URL
_MISSING: Final = "Missing required "
_BODY: Final = "data"  # what it calls the body
_URL_FOLLOWS: Final = " for path "
DATABASE_AWAY: Final = (psycopg.OperationalError, PoolTimeout, PoolClosed, TooManyRequests)
"""What is told as `database_unavailable`."""

_log: Final = get_logger(__name__)


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with what was sent."""

    pointer: Annotated[str, msgspec.Meta(description="JSON pointer to the value; empty for the whole.")]
    message: Annotated[str, msgspec.Meta(description="What is wrong there.")]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Problem details (RFC 9457)."""

    type: Annotated[str, msgspec.Meta(description="Address of the page that explains the code.")]
    title: str
    status: int
    detail: Annotated[str, msgspec.Meta(description="What is wrong with this request.")]
    code: Annotated[str, msgspec.Meta(description="Stable name of the error; act upon this one.")]
    instance: Annotated[str, msgspec.Meta(description="The request's id, as in the header X-Request-Id.")]
    hint: Annotated[str, msgspec.Meta(description="What to do about it.")] = ""
    faults: Annotated[list[Fault], msgspec.Meta(description="Everything that is wrong with the body.")] = []
    plugin: Annotated[str, msgspec.Meta(description="Slug of the plugin that failed.")] = ""
    reason: Annotated[str, msgspec.Meta(description="A plugin's own stable name of the error, where it has one.")] = ""


def to_response(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Answer any exception with its problem details; to be registered as the handler of `Exception`."""
    problem = to_problem(error, instance=request_id(request.scope))
    if problem.status >= 500:  # noqa: PLR2004 - HTTP's own line between their faults and ours
        _log_fault(request, problem, error)
    headers = error.headers if isinstance(error, PluginRefused) else _headers(error, problem)
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def to_problem(error: Exception, *, instance: str) -> Problem:
    """Say what an exception means to the client; nothing of an unexpected one is told."""
    if isinstance(error, HTTPException):
        return _of_http(error, instance)
    if isinstance(error, DATABASE_AWAY):
        error = DatabaseUnavailable("the database does not answer", hint="Sending the request again is safe.")
    code = _code(error)
    if not isinstance(error, PideaiError) or code == "internal_error":
        return _problem("internal_error", _UNEXPECTED, instance)
    problem = _problem(code, error.message, instance, hint=error.hint)
    status = error.status if isinstance(error, PluginRefused) else problem.status
    return msgspec.structs.replace(
        problem, status=status, faults=_faults(error), plugin=_slug(error), reason=_reason(error)
    )


def is_known(error: PideaiError) -> bool:
    """Whether an error has a line in the table, its own or an ancestor's."""
    return _code(error) != "internal_error"


def _problem(code: str, detail: str, instance: str, *, hint: str = "") -> Problem:
    status, title = TABLE[code]
    return Problem(
        type=f"/problems/{code}", title=title, status=status, detail=detail, code=code, hint=hint, instance=instance
    )


def _code(error: Exception) -> str:
    codes = (cls.code for cls in type(error).__mro__ if issubclass(cls, PideaiError))
    return next((code for code in codes if code in TABLE), "internal_error")


def _of_http(error: HTTPException, instance: str) -> Problem:
    if error.detail == _CLIENT_GONE:
        return _problem("bad_request", "the body ended too early", instance)
    if error.status_code >= 500:  # noqa: PLR2004 - HTTP's own line between their faults and ours
        return _problem("internal_error", _UNEXPECTED, instance)
    code = _HTTP_CODES.get(error.status_code, "bad_request")
    parts = [part for part in error.extra if isinstance(part, Mapping)] if isinstance(error.extra, list) else []
    faults = [_of_part(part) for part in parts]
    if any(part.get("key") == _BODY for part in parts):
        code = "body_rejected"
    return msgspec.structs.replace(_problem(code, _detail(error.detail, faults), instance), faults=faults)


def _detail(said: str, faults: Sequence[Fault]) -> str:
    """Return what Litestar says, naming the parameters in place of the URL, which may be long and hold anything."""
    if said.startswith(_UNFIT):
        return "; ".join(f"{one.pointer[1:]}: {one.message}".removeprefix(": ") for one in faults)
    return said.partition(_URL_FOLLOWS)[0] if said.startswith(_MISSING) else said


def _of_part(part: Mapping[str, Any]) -> Fault:
    key = str(part.get("key", ""))
    if key == _BODY:  # one that is there is judged by StrictRequest
        return Fault(pointer="", message="a body is needed")
    return Fault(
        pointer="/" + key.replace(".", "/") if key else "", message=str(part.get("message", ""))[:MESSAGE_MAX_CHARS]
    )


def _faults(error: PideaiError) -> list[Fault]:
    if isinstance(error, ConfigRejected | BodyRejected | PluginRefused):
        return [Fault(pointer=pointer, message=message) for pointer, message in error.faults.items()]
    return []


def _slug(error: PideaiError) -> str:
    return error.slug if isinstance(error, PluginFault | PluginRefused) else ""


def _reason(error: PideaiError) -> str:
    """Return the name that a plugin gave to what it says; the host's own names are codes."""
    is_its_own = isinstance(error, PluginSignal) and error.code not in TABLE
    return error.code if is_its_own and _NAME.fullmatch(error.code) else ""


def _headers(error: Exception, problem: Problem) -> dict[str, str]:
    if isinstance(error, Unauthenticated):
        return {"www-authenticate": error.challenge}
    if isinstance(error, RateLimited):
        return {"retry-after": str(error.retry_after_s)}
    if problem.status == 429:  # noqa: PLR2004 - Too Many Requests: places that others will leave
        return {"retry-after": "1"}
    if problem.status == 503:  # noqa: PLR2004 - Service Unavailable
        return {"retry-after": str(RETRY_AFTER_S)}
    if problem.code == "request_under_way":
        return {"retry-after": "1"}
    return dict(error.headers or {}) if isinstance(error, HTTPException) else {}


def _log_fault(request: Request[Any, Any, Any], problem: Problem, error: Exception) -> None:
    facts = {"code": problem.code, "request_id": problem.instance, "method": request.method, "path": request.url.path}
    if problem.code == "internal_error":
        _log.error("request_failed", exc_info=error, **facts)
    else:
        _log.warning("request_not_served", reason=problem.detail, **facts)

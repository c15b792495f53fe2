"""The door of database changes: ``POST /webhooks/supabase``.

The hottest path of the host. The secret is looked at before the body is read, and the answer is given after the
commit; between the two the bytes go to the door as they came.
"""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
from litestar import Request, post
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.response.base import ASGIResponse
from litestar.types import Scope

from pideai_host.telemetry import get_logger
from pideai_host.web.auth import Unauthenticated
from pideai_host.web.bodies import BodyTooSlow
from pideai_host.web.examples import ACCEPTED
from pideai_host.web.limits import BODY_LIMIT_S, WEBHOOK_BODY_MAX_BYTES
from pideai_host.web.openapi import WEBHOOK_SECRET, problems, success
from pideai_host.web.state import host_state

PATH: Final = "/webhooks/supabase"
FAULT_KEY: Final = "pideai_fault"
"""Where the short way (`web.front`) leaves what went wrong on it, to be answered here."""

_SECRET_HEADER: Final = b"x-pideai-webhook-secret"
_REFUSED_HINT: Final = "Somebody knocks; or does the webhook send another secret than those in PIDEAI_WEBHOOK_SECRETS?"
_log: Final = get_logger(__name__)
_encode: Final = msgspec.json.Encoder().encode


class WebhookSecretWrong(Unauthenticated):
    """The webhook secret is missing or wrong."""

    code = "webhook_secret_wrong"
    challenge = 'Secret realm="pideai-webhooks"'


class Accepted(msgspec.Struct, frozen=True):
    """What a database change became, kept for good by the time that this is answered.

    Attributes:
        event_ids: Its events, the same ones when the same change comes again; none for what interests nobody and for
            what was put in quarantine.
    """

    event_ids: tuple[UUID, ...]


_CHANGE: Final = Schema(
    type=OpenAPIType.OBJECT,
    title="DatabaseChange",
    description="A row change as Supabase Database Webhooks send it.",
    required=["type", "table", "record"],
    properties={
        "type": Schema(type=OpenAPIType.STRING, enum=["INSERT", "UPDATE", "DELETE"]),
        "schema": Schema(type=OpenAPIType.STRING),
        "table": Schema(type=OpenAPIType.STRING),
        "record": Schema(type=[OpenAPIType.OBJECT, OpenAPIType.NULL]),
        "old_record": Schema(type=[OpenAPIType.OBJECT, OpenAPIType.NULL]),
    },
)


@dataclass
class _ChangeOperation(Operation):
    """Describes a body that the handler reads raw, and which Litestar therefore does not know."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(content={"application/json": OpenAPIMediaType(schema=_CHANGE)}, required=True)


@post(
    PATH,
    status_code=202,
    request_max_body_size=WEBHOOK_BODY_MAX_BYTES,
    operation_class=_ChangeOperation,
    operation_id="receiveDatabaseChange",
    tags=["Webhooks"],
    summary="Take a database change",
    description="Answers after the commit, so what got a 202 is never lost. Sending a change again changes nothing.",
    security=WEBHOOK_SECRET,
    responses={
        **success(202, Accepted, ACCEPTED, "Kept; the ids of its events"),
        **problems(
            "bad_request",
            "not_a_change",
            "webhook_secret_wrong",
            "body_too_slow",
            "body_too_large",
            "database_unavailable",
        ),
    },
)
async def receive_database_change(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Let an authentic body in, and answer when it is kept."""
    fault = request.scope["state"].get(FAULT_KEY)
    if fault is not None:
        raise fault
    host = host_state(request.scope)
    try:
        require_secret(request.scope, host.webhook_secrets)
    except WebhookSecretWrong:
        if count := host.webhooks_refused.happened():
            _log.warning("webhook_refused", refused=count, hint=_REFUSED_HINT)
        raise
    event_ids = await host.door.receive(await _body(request))
    return ASGIResponse(body=_encode(Accepted(event_ids)), status_code=202, media_type="application/json")


async def _body(request: Request[Any, Any, Any]) -> bytes:
    """Read the body; a sender that drips it holds a connection for `BODY_LIMIT_S` at most."""
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            return await request.body()
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {BODY_LIMIT_S:g} s") from None


def require_secret(scope: Scope, accepted: Sequence[bytes]) -> None:
    """Return if the request carries one of the accepted secrets; compares in constant time, with each of them.

    Raises:
        WebhookSecretWrong: it does not, or none is configured.
    """
    given = _given_secret(scope)
    matches = False
    for secret in accepted:
        matches |= hmac.compare_digest(given, secret)
    if not (matches and given):
        raise WebhookSecretWrong("the header X-PideAI-Webhook-Secret is missing or wrong")


def _given_secret(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == _SECRET_HEADER:
            return value
    return b""

"""The doors of plugins' providers: raw calls in, the plugin's own words out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import MutableScopeHeaders
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import FromPath
from litestar.response.base import ASGIResponse

from pideai_host.api import PideaiError, WebhookReply, WebhookRequest, slug_fault
from pideai_host.events.provider_webhooks import WebhookUnknown
from pideai_host.web.bodies import whole_body
from pideai_host.web.limits import WEBHOOK_BODY_MAX_BYTES, WEBHOOK_HEADERS_MAX, WEBHOOK_HEADERS_MAX_BYTES
from pideai_host.web.openapi import NOBODY, problems
from pideai_host.web.plugin_headers import PROVIDERS_MAY_NEED, encoded, theirs
from pideai_host.web.state import host_state

TAGS: Final = ["Webhooks"]
_PATH: Final = "/webhooks/plugins/{slug:str}"
_PATH_OF_STORE: Final = "/webhooks/plugins/{slug:str}/{store_id:uuid}"
_SUMMARY: Final = "Take a provider's call"
_ANSWER: Final = {
    200: ResponseSpec(
        bytes,
        description="Whatever the plugin answers, with its status, headers and body. After a 2xx, what it did is kept.",
        media_type="*/*",
        generate_examples=False,
    )
}
_CODES: Final = (
    "bad_request",
    "not_found",
    "body_too_slow",
    "body_too_large",
    "headers_too_large",
    "webhook_not_taken",
)
_ANSWERS: Final = {**_ANSWER, **problems(*_CODES, "database_unavailable")}
_BODILESS: Final = frozenset({204, 304})


class HeadersTooLarge(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """A provider's call has more headers than anybody needs."""

    code = "headers_too_large"


class ExactResponse(ASGIResponse):
    """A plugin's answer, with the headers that it gave, as far as they are its own to give, and the length."""

    __slots__ = ()

    def __init__(self, reply: WebhookReply, slug: str) -> None:
        super().__init__(status_code=reply.status)
        self.body = b"" if reply.status in _BODILESS else reply.body
        self.content_length = len(self.body)
        self.headers = MutableScopeHeaders()
        for name, value in theirs(encoded(reply.headers), slug=slug, also=PROVIDERS_MAY_NEED):
            self.headers.add(name.decode("latin-1"), value.decode("latin-1"))
        if reply.status not in _BODILESS:
            self.headers.add("content-length", str(len(self.body)))


@dataclass
class _AskOperation(Operation):
    """Describes answers of any status, type and body, which are the plugin's."""

    def __post_init__(self) -> None:
        theirs_own = OpenAPIResponse(description="The plugin's own answer, byte for byte, of whatever type or none.")
        self.responses = {**(self.responses or {}), "default": theirs_own}


@dataclass
class _CallOperation(_AskOperation):
    """Describes a body that the handler reads raw, too."""

    def __post_init__(self) -> None:
        super().__post_init__()
        content = {"*/*": OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))}
        self.request_body = RequestBody(content=content, required=False, description="As the provider sends it.")


@get(
    _PATH,
    operation_id="askPluginWebhook",
    operation_class=_AskOperation,
    tags=TAGS,
    summary=_SUMMARY,
    security=NOBODY,
    responses=_ANSWERS,
)
async def ask_plugin_webhook(request: Request[Any, Any, Any], slug: FromPath[str]) -> ASGIResponse:
    """Take a call for one or more stores, which the plugin names; some providers try an address with GET."""
    return await _take(request, slug)


@post(
    _PATH,
    status_code=200,
    operation_id="callPluginWebhook",
    operation_class=_CallOperation,
    tags=TAGS,
    summary=_SUMMARY,
    security=NOBODY,
    responses=_ANSWERS,
)
async def call_plugin_webhook(request: Request[Any, Any, Any], slug: FromPath[str]) -> ASGIResponse:
    """Take a call for one or more stores, which the plugin names."""
    return await _take(request, slug)


@get(
    _PATH_OF_STORE,
    operation_id="askStorePluginWebhook",
    operation_class=_AskOperation,
    tags=TAGS,
    summary=_SUMMARY,
    security=NOBODY,
    responses=_ANSWERS,
)
async def ask_store_plugin_webhook(
    request: Request[Any, Any, Any], slug: FromPath[str], store_id: FromPath[UUID]
) -> ASGIResponse:
    """Take a call for one store; some providers try an address with GET."""
    return await _take(request, slug, store_id)


@post(
    _PATH_OF_STORE,
    status_code=200,
    operation_id="callStorePluginWebhook",
    operation_class=_CallOperation,
    tags=TAGS,
    summary=_SUMMARY,
    security=NOBODY,
    responses=_ANSWERS,
)
async def call_store_plugin_webhook(
    request: Request[Any, Any, Any], slug: FromPath[str], store_id: FromPath[UUID]
) -> ASGIResponse:
    """Take a call for one store."""
    return await _take(request, slug, store_id)


async def _take(request: Request[Any, Any, Any], slug: str, store_id: UUID | None = None) -> ASGIResponse:
    if slug_fault(slug) is not None:
        raise WebhookUnknown
    scope = request.scope
    call = WebhookRequest(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=_headers(list(scope["headers"])),
        body=await whole_body(request.receive, WEBHOOK_BODY_MAX_BYTES),
    )
    return ExactResponse(await host_state(scope).provider_webhooks.receive(slug, call, store_id), slug)


def _headers(raw: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    if len(raw) > WEBHOOK_HEADERS_MAX or sum(len(name) + len(value) for name, value in raw) > WEBHOOK_HEADERS_MAX_BYTES:
        raise HeadersTooLarge(
            f"more than {WEBHOOK_HEADERS_MAX} headers, or more than {WEBHOOK_HEADERS_MAX_BYTES} bytes of them"
        )
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in raw}

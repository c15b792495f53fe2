"""The types of events, and trying a plugin out with a sample of one."""

from typing import Any, Final
from uuid import UUID

from litestar import Request, get, post
from litestar.params import FromPath, JSONBody

from pideai_host.events.try_out import EventTypeUnknown
from pideai_host.web.event_examples import EVENT_TYPE, TRIED
from pideai_host.web.event_models import EventTypeList, EventTypeOut, TestIn, TestOut, event_type_out, event_types
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, problems, success
from pideai_host.web.plan import require_plan
from pideai_host.web.routes.plugins import known_slug
from pideai_host.web.state import host_state

_ANY: Final = (*SIGNED_IN, "bad_request")


@get(
    "/event-types",
    operation_id="listEventTypes",
    tags=["Plugins"],
    summary="List the types of events",
    security=OWNER,
    responses={**success(200, EventTypeList, {"items": [EVENT_TYPE]}, "All types"), **problems(*SIGNED_IN)},
)
async def list_event_types(request: Request[Any, Any, Any]) -> EventTypeList:
    """List all types of events with the JSON Schema of their payloads: the host's own, and what plugins added."""
    registry = host_state(request.scope).store_calls.registry
    return EventTypeList([event_type_out(registry, one) for one in event_types(registry)])


@get(
    "/event-types/{event_type:str}",
    operation_id="getEventType",
    tags=["Plugins"],
    summary="Show a type of events",
    security=OWNER,
    responses={**success(200, EventTypeOut, EVENT_TYPE, "The type"), **problems(*_ANY, "event_type_unknown")},
)
async def get_event_type(request: Request[Any, Any, Any], event_type: FromPath[str]) -> EventTypeOut:
    """Show a type of events with the JSON Schema of its payload, and a sample."""
    registry = host_state(request.scope).store_calls.registry
    if event_type not in event_types(registry):
        raise EventTypeUnknown("there is no such type of events")
    return event_type_out(registry, event_type)


@post(
    "/{slug:str}/test",
    operation_id="testStorePlugin",
    tags=["Store plugins"],
    summary="Try a plugin out",
    status_code=200,
    security=OWNER,
    responses={
        **success(200, TestOut, TRIED, "What the plugin answered"),
        **problems(
            *_ANY,
            *KEYED,
            "body_rejected",
            "body_too_large",
            "body_too_slow",
            "media_type_unsupported",
            "store_unknown",
            "plugin_unknown",
            "not_installed",
            "event_type_unknown",
            "module_not_in_plan",
            "sample_rejected",
            "database_unavailable",
        ),
    },
)
async def test_store_plugin(
    request: Request[Any, Any, Any], store_id: FromPath[UUID], slug: FromPath[str], data: JSONBody[TestIn]
) -> TestOut:
    """Call the plugin with a sample, now and once, and answer its outcome.

    Its message goes out for real, marked as a test; no credit is taken, and nothing stands in the delivery log.
    A disabled plugin can be tried out too.
    """
    plugin = known_slug(slug)
    await require_plan(request, store_id, plugin)
    return TestOut.of(await host_state(request.scope).try_out.send(store_id, plugin, data.event_type, data.payload))

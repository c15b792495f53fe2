"""Each plugin's routes are tried apart: what does not fit below its prefix is refused alone, with the reason."""

import threading
from uuid import UUID

import msgspec
import pytest
from litestar import Controller, Litestar, Router, WebSocket, asgi, get, post, websocket
from litestar.di import NamedDependency
from litestar.exceptions import ImproperlyConfiguredException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from pideai_host.api import PluginDefinition, PluginType, hookimpl
from pideai_host.plugins.records import LoadRecord, Phase, Status
from pideai_host.plugins.registry import Registry
from pideai_host.web import plugin_routes
from pideai_host.web.described import described
from pideai_host.web.lean import LeanApp
from pideai_host.web.openapi import openapi_config
from pideai_host.web.plugin_routes import ROUTES_MAX, mount
from pideai_host.web.problems import MEDIA_TYPE
from pideai_host.web.routes import routes


class Plugin:
    """Contributes what a test gives it."""

    def __init__(self, slug, contribute):
        self.slug = slug
        self.contribute = contribute

    @hookimpl
    def plugin_definition(self):
        return PluginDefinition(
            slug=self.slug, name=self.slug.title(), version="1", type=PluginType.INTEGRATION, subscribed_events=()
        )

    @hookimpl
    def http_routes(self):
        return self.contribute()


@get("/status")
async def get_status() -> dict[str, str]:
    return {}


def mounted(**contributions):
    """Mount plugins by slug; each has a record, as one that is installed."""
    registry = Registry.of({slug: Plugin(slug, contribute) for slug, contribute in contributions.items()})
    records = [
        LoadRecord(slug=slug, distribution=slug, version="1", source=slug, phase=Phase.READY, status=Status.READY)
        for slug in contributions
    ]
    return mount(registry.with_records(records))


def document(done):
    return Litestar(routes(done.routers), openapi_config=openapi_config("0")).openapi_schema.to_schema()


def refusal(contribute):
    """Mount a plugin beside a good one, and return why it is refused."""
    done = mounted(bad=contribute, good=lambda: [get_status])
    bad, good = done.registry.records
    assert (good.status, len(done.routers)) == (Status.READY, 1)
    assert (bad.status, bad.phase) == (Status.PARTIAL, Phase.ROUTES)
    return bad.error


def test_routes_lie_below_the_store_and_the_slug():
    assert "/api/stores/{store_id}/good/status" in document(mounted(good=lambda: [get_status]))["paths"]


def test_a_router_and_a_controller_are_taken_as_well():
    class Things(Controller):
        path = "/things"

        @get("/")
        async def list_things(self) -> list[str]:
            return []

    done = mounted(good=lambda: [Router("/deep", route_handlers=[get_status]), Things])

    assert {"/api/stores/{store_id}/good/deep/status", "/api/stores/{store_id}/good/things"} <= document(done)[
        "paths"
    ].keys()


def test_an_operation_is_told_under_the_plugins_name_with_the_errors_of_the_host():
    @post("/connect", tags=["Plugins"], operation_id="listPlugins")
    async def connect() -> None:
        """Connect."""

    operation = document(mounted(good=lambda: [connect]))["paths"]["/api/stores/{store_id}/good/connect"]["post"]

    assert (operation["operationId"], operation["tags"]) == ("good_listPlugins", ["Good"])
    assert operation["security"] == [{"owner": []}]
    assert {"400", "401", "403", "404", "502", "504"} <= operation["responses"].keys()
    assert list(operation["responses"]["404"]["content"]) == [MEDIA_TYPE]


def test_a_description_that_cannot_be_written_down_refuses_its_plugin():
    """It would leave the host without any description."""
    said = ResponseSpec(str, generate_examples=False, examples=[Example(value=object())])

    @get("/thing", responses={200: said})
    async def get_thing() -> str:
        return "thing"

    assert "Unsupported type" in refusal(lambda: [get_thing])


class Problem(msgspec.Struct):
    """A plugin's own, which has the name of the host's."""

    code: int


@pytest.mark.parametrize(
    "said",
    [
        {418: ResponseSpec(Problem)},
        {418: ResponseSpec(Problem, media_type=MEDIA_TYPE)},
        {404: ResponseSpec(dict, generate_examples=False, media_type=MEDIA_TYPE, examples=[Example(value="gone")])},
        {404: ResponseSpec(dict, generate_examples=False, media_type=MEDIA_TYPE, examples=[Example(value={"n": 1})])},
        {404: ResponseSpec(dict, generate_examples=False, media_type=MEDIA_TYPE, examples=[Example(id="elsewhere")])},
    ],
    ids=["name", "problem", "text", "no_code", "no_value"],
)
def test_what_a_plugin_says_of_its_own_errors_leaves_the_host_its_description(said):
    @get("/thing", responses=said)
    async def get_thing() -> str:
        return "thing"

    told = described(LeanApp(routes(mounted(odd=lambda: [get_thing]).routers), openapi_config=openapi_config("0")))

    assert "/api/stores/{store_id}/odd/thing" in told["paths"]


def test_two_plugins_may_name_their_handlers_alike():
    paths = document(mounted(one=lambda: [get_status], two=lambda: [get_status]))["paths"]

    ids = {paths[f"/api/stores/{{store_id}}/{slug}/status"]["get"]["operationId"] for slug in ("one", "two")}
    assert ids == {"one_getStatus", "two_getStatus"}


def test_the_plugins_own_objects_are_left_as_they_are():
    before = (get_status.operation_id, get_status.responses, get_status.tags)

    document(mounted(one=lambda: [get_status]))

    assert (get_status.operation_id, get_status.responses, get_status.tags) == before


def test_a_plugin_without_routes_is_no_fault():
    done = mounted(good=list)

    assert (done.routers, done.registry.records[0].status) == ([], Status.READY)


@pytest.mark.parametrize("path", ["/../plugins", "/a/../../plugins", "/.", "/a b", "/%2e%2e/plugins", "/a;b", "/x\\y"])
def test_a_path_that_somebody_might_read_as_another_is_refused(path):
    @get(path)
    async def sly() -> None: ...

    assert "other characters" in refusal(lambda: [sly])


def test_a_path_that_rebinds_the_store_is_refused():
    @get("/{store_id:uuid}/keys")
    async def sly() -> None: ...

    assert "store_id" in refusal(lambda: [sly])


def test_a_path_parameter_of_the_routes_own_is_fine():
    @get("/orders/{order_id:uuid}")
    async def get_order(order_id: UUID) -> None: ...

    assert mounted(good=lambda: [get_order]).registry.records[0].status is Status.READY


def test_routes_that_collide_are_refused():
    @get("/status")
    async def other() -> None: ...

    assert "declared twice" in refusal(lambda: [get_status, other])


def test_routes_that_differ_in_the_names_of_their_parameters_collide():
    @get("/orders/{order_id:uuid}")
    async def one(order_id: UUID) -> None: ...

    @get("/orders/{number:str}")
    async def other(number: str) -> None: ...

    assert "declared twice" in refusal(lambda: [one, other])


def test_what_raises_is_refused_with_a_traceback():
    def contribute():
        raise RuntimeError("no such template")

    done = mounted(bad=contribute)

    assert "RuntimeError: no such template" in done.registry.records[0].error
    assert "contribute" in done.registry.records[0].traceback


def test_what_ends_the_process_is_refused():
    def contribute():
        raise SystemExit(3)

    assert "SystemExit" in refusal(contribute)


@pytest.mark.parametrize("what", [None, "routes", get_status, {"/": get_status}])
def test_anything_but_a_list_is_refused(what):
    assert "return a list" in refusal(lambda: what)


def test_an_application_is_refused():
    assert "http_routes has" in refusal(lambda: [Litestar([get_status])])


@pytest.mark.parametrize("what", [get_status.fn, "x", object(), Controller(owner=None)])
def test_what_is_no_handler_is_refused(what):
    assert "http_routes has" in refusal(lambda: [what])


def test_websockets_and_mounted_applications_are_refused():
    @websocket("/live")
    async def live(socket: WebSocket) -> None: ...

    @asgi("/app", is_mount=True)
    async def app(scope, receive, send) -> None: ...

    for one in (live, app):
        assert "http_routes has" in refusal(lambda one=one: [one])
        assert "no plain HTTP route" in refusal(lambda one=one: [Router("/in", route_handlers=[one])])


def test_a_plain_function_is_refused():
    @get("/slow", sync_to_thread=True)
    def slow() -> None: ...

    assert "slow is a plain def; make it async" in refusal(lambda: [slow])


def test_a_bound_method_is_refused():
    class Holder:
        lock = threading.Lock()

        async def status(self) -> None: ...

    assert "bound method" in refusal(lambda: [get("/status")(Holder().status)])


def test_a_route_that_is_watched_is_told_as_a_stream():
    @get("/status/stream", opt={"watched_every_s": 1})
    async def stream_status() -> dict[str, str]:
        return {}

    told = document(mounted(good=lambda: [stream_status]))

    [path] = [one for one in told["paths"] if one.endswith("/good/status/stream")]
    assert list(told["paths"][path]["get"]["responses"]["200"]["content"]) == ["text/event-stream"]


@pytest.mark.parametrize("every_s", [0, 0.1, 61, "1", True, float("nan")])
def test_a_route_that_is_watched_all_the_time_or_never_is_refused(every_s):
    @get("/status/stream", opt={"watched_every_s": every_s})
    async def stream_status() -> dict[str, str]:
        return {}

    assert "watched_every_s" in refusal(lambda: [stream_status])


def test_what_changes_something_is_not_watched():
    @post("/connect", opt={"watched_every_s": 1})
    async def connect() -> dict[str, str]:
        return {}

    assert "is no get" in refusal(lambda: [connect])


@pytest.mark.parametrize("layer", ["handler", "router"])
def test_exception_handlers_are_refused_since_they_would_see_the_hosts_errors(layer):
    def swallow(request, error): ...

    handlers = {Exception: swallow}
    if layer == "handler":
        one = get("/a", exception_handlers=handlers)(get_status.fn)
    else:
        one = Router("/a", route_handlers=[get_status], exception_handlers=handlers)

    assert "exception_handlers" in refusal(lambda: [one])


def test_more_routes_than_anybody_needs_are_refused():
    many = [get(f"/r{n}")(get_status.fn) for n in range(ROUTES_MAX + 1)]

    assert "at most" in refusal(lambda: many)


def test_what_names_a_type_that_is_not_there_is_refused():
    @post("/odd")
    async def odd(data: "Missing") -> None: ...  # noqa: F821 - the point

    assert "Missing" in refusal(lambda: [odd])


def test_what_asks_for_a_dependency_that_nobody_provides_is_refused():
    @get("/x")
    async def wants(database: NamedDependency[object]) -> None: ...

    assert "database" in refusal(lambda: [wants])


def test_operation_ids_that_collide_are_refused():
    one = get("/a", operation_id="same")(get_status.fn)
    two = get("/b", operation_id="same")(get_status.fn)

    assert "unique" in refusal(lambda: [one, two])


def test_what_hangs_is_refused_in_time(monkeypatch):
    monkeypatch.setattr(plugin_routes, "BUILD_LIMIT_S", 0.01)
    ended = threading.Event()
    try:
        assert "http_routes did not end within" in refusal(ended.wait)
    finally:
        ended.set()


def test_mounting_never_raises():
    def contribute():
        raise ImproperlyConfiguredException("no")

    assert mounted(bad=contribute).routers == []

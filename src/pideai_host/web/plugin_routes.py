"""Plugins' own routes, below ``/api/stores/{store_id}/{slug}``: each plugin's are tried apart, and refused apart.

What `http_routes` returns is put below the plugin's prefix and built into an application of its own, with its
description, before it comes near the host's. A router that does not build, collides with itself or reaches beyond its
prefix leaves its plugin without routes; deliveries go on (docs/adr/0031).
"""

import inspect
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
from litestar import Controller, Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.routes import BaseRoute, HTTPRoute
from litestar.serialization import encode_json
from litestar.types import ControllerRouterHandler, Method
from litestar.types.internal_types import PathParameterDefinition
from litestar.utils.predicates import is_async_callable

from pideai_host.api import PluginDefinition, PluginFault
from pideai_host.plugins.contributed import BUILD_LIMIT_S, contributed
from pideai_host.plugins.interrupts import Interrupts
from pideai_host.plugins.records import Phase
from pideai_host.plugins.refusals import Refusals
from pideai_host.plugins.registry import Hook, Registry
from pideai_host.web.lean import LeanApp
from pideai_host.web.openapi import KEYED, OWNER, SIGNED_IN, openapi_config, plugin_problems
from pideai_host.web.plugin_calls import DEPENDENCIES, PluginCall, tell_fault
from pideai_host.web.plugin_watch import EVERY_MAX_S, EVERY_MIN_S, WATCHED
from pideai_host.web.routes import below_store

ROUTES_MAX: Final = 100
"""Of one plugin."""

CODES: Final = (
    *SIGNED_IN,
    "bad_request",
    "body_rejected",
    "body_too_large",
    "body_too_slow",
    "store_unknown",
    "module_not_in_plan",
    "not_installed",
    "plugin_disabled",
    "config_not_current",
    "too_many_requests",
    "plugin_signal",
    "plugin_fault",
    "hook_timeout",
    "database_unavailable",
)
"""What every route of a plugin may answer besides its own."""

STREAMED: Final = ResponseSpec(
    str,
    description=(
        "Server-Sent Events, with the token in the header Authorization. `change` has what the route shows: once at "
        "the beginning, then whenever it changes. `end` says in `reason` why nothing more comes."
    ),
    media_type="text/event-stream",
    generate_examples=False,
)
"""What a route that is watched answers."""

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_LITESTARS_OWN: Final = "litestar.routes.http"
"""Where Litestar makes the handlers of OPTIONS."""


class Mounted(msgspec.Struct, frozen=True):
    """The routes of all plugins, and the registry with a record of each refusal."""

    routers: list[ControllerRouterHandler]
    registry: Registry


def mount(registry: Registry) -> Mounted:
    """Build the routes of all plugins that have some. Blocking, meant for the start of a process.

    Raises:
        KeyboardInterrupt: the operator's; nothing else gets out.
    """
    routers: list[ControllerRouterHandler] = []
    refusals = Refusals(Phase.ROUTES)
    for hook in registry.hooks("http_routes"):
        with Interrupts() as interrupts:
            try:
                routers += tried_routes(hook, registry.definitions[hook.slug])
            except BaseException as error:  # a SystemExit too: building them runs the plugin's own code
                if interrupts.came:
                    raise KeyboardInterrupt from error
                refusals.add(hook.slug, error)
    return Mounted(routers, refusals.noted(registry))


def tried_routes(hook: Hook, definition: PluginDefinition) -> list[ControllerRouterHandler]:
    """Return a plugin's routes after they were built once, in an application that is thrown away."""
    contribution = contributed(hook, min(definition.limits.timeout_s, BUILD_LIMIT_S))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Litestar's advice to the plugin's author is no fault
        router = _router(contribution, definition)
        if not router.routes:
            return []
        trial = LeanApp([below_store([router])], openapi_config=openapi_config("0"), logging_config=None)
        encode_json(trial.openapi_schema.to_schema())
    for handler in _handlers(router):
        _describe_problems(handler)
    return [router]


def _router(contribution: Any, definition: PluginDefinition) -> Router:
    """Put what a plugin contributes below its prefix.

    Raises:
        PluginFault: it is nothing that may be put there; the message says what to do.
    """
    slug = definition.slug
    if not isinstance(contribution, list | tuple):
        raise PluginFault(f"http_routes returns {type(contribution).__name__}; return a list", slug=slug)
    for one in contribution:
        if not _is_contribution(one):
            raise PluginFault(f"http_routes has {one!r:.80}; use get, post …, a Router or a Controller", slug=slug)
    router = Router(
        f"/{slug}",
        route_handlers=contribution,
        middleware=[PluginCall(slug)],
        dependencies=DEPENDENCIES,
        exception_handlers={Exception: tell_fault},
        security=OWNER,
        tags=[definition.name],
    )
    faults = [fault for rule in RULES for fault in rule(router)]
    if faults:
        raise PluginFault("; ".join(dict.fromkeys(faults)), slug=slug)
    for handler in _handlers(router):
        _describe(handler, slug, router)
    return router


def _is_contribution(one: Any) -> bool:
    if inspect.isclass(one):
        return issubclass(one, Controller)
    return isinstance(one, HTTPRouteHandler) or (isinstance(one, Router) and not isinstance(one, Litestar))


def few_enough(router: Router) -> Iterator[str]:
    """Bound the number of routes."""
    if len(router.routes) > ROUTES_MAX:
        yield f"{len(router.routes)} routes; at most {ROUTES_MAX} are mounted"


def plain_http(router: Router) -> Iterator[str]:
    """Refuse websockets and mounted applications."""
    for route in router.routes:
        if not isinstance(route, HTTPRoute):
            yield f"{route.path} is no plain HTTP route; use get, post, put, patch or delete"


def below_prefix(router: Router) -> Iterator[str]:
    """Refuse paths that would be read differently by whoever normalizes them, or that rebind the store."""
    for route in router.routes:
        names = [part.name for part in route.path_components if isinstance(part, PathParameterDefinition)]
        words = [part for part in route.path_components if isinstance(part, str)]
        if not (route.path == router.path or route.path.startswith(f"{router.path}/")):
            yield f"{route.path} lies outside of {router.path}"
        if "store_id" in names:
            yield f"{route.path} has a parameter store_id; the prefix has it already"
        if any(_SEGMENT.fullmatch(word) is None for word in words):
            yield f"{route.path} has other characters than letters, digits, and . _ ~ -"


def no_collisions(router: Router) -> Iterator[str]:
    """Refuse two handlers for one address: Litestar takes the last one without a word."""
    seen: set[tuple[str, Method]] = set()
    for route in router.routes:
        place = "/".join("{}" if isinstance(part, PathParameterDefinition) else part for part in route.path_components)
        for method in [method for handler in _handlers_of(route) for method in handler.http_methods]:
            if (place, method) in seen:
                yield f"{method} {route.path} is declared twice"
            seen.add((place, method))


def plain_functions(router: Router) -> Iterator[str]:
    """Demand async functions: a plain one would hold up the event loop, or the threads that all plugins share."""
    for handler in _handlers(router):
        if not is_async_callable(handler.fn):
            yield f"{handler.handler_name} is a plain def; make it async"
        elif inspect.ismethod(handler.fn) and not isinstance(handler.fn.__self__, Controller):
            yield f"{handler.handler_name} is a bound method, which Litestar copies; make it a function in http_routes"


def no_exception_handlers(router: Router) -> Iterator[str]:
    """Refuse exception handlers: Litestar runs them for the host's own errors too, outside of the call's limits."""
    for handler in _handlers(router):
        for layer in handler.ownership_layers:
            if layer is not router and layer.exception_handlers:
                yield f"{handler.handler_name} has exception_handlers; raise an HTTPException or a PluginSignal instead"


def watched_gets(router: Router) -> Iterator[str]:
    """Demand of what is called again and again that it only reads, and that it is not called all the time."""
    for handler in _handlers(router):
        every_s = handler.opt.get(WATCHED)
        if every_s is None:
            continue
        if handler.http_methods != {"GET"}:
            yield f"{handler.handler_name} has {WATCHED} and is no get"
        if type(every_s) not in (int, float) or not EVERY_MIN_S <= every_s <= EVERY_MAX_S:
            yield f"{handler.handler_name} has a {WATCHED} outside of {EVERY_MIN_S:g} to {EVERY_MAX_S:g}"


RULES: Final[tuple[Callable[[Router], Iterator[str]], ...]] = (
    few_enough,
    plain_http,
    below_prefix,
    no_collisions,
    plain_functions,
    no_exception_handlers,
    watched_gets,
)
"""What the routes of a plugin must be, each rule with a line that tells what to do."""


def _handlers(router: Router) -> list[HTTPRouteHandler]:
    return [handler for route in router.routes for handler in _handlers_of(route)]


def _handlers_of(route: BaseRoute) -> list[HTTPRouteHandler]:
    """Return the plugin's handlers of one path, without those that Litestar adds."""
    if not isinstance(route, HTTPRoute):
        return []
    return [handler for handler in route.route_handlers if handler.fn.__module__ != _LITESTARS_OWN]


def _describe(handler: HTTPRouteHandler, slug: str, router: Router) -> None:
    """Have the host's document tell of a handler under ids of its own.

    The handler is the copy that Litestar made for this router.
    """
    handler.operation_id = _operation_id(slug, handler.operation_id)
    answers = {200: STREAMED} if WATCHED in handler.opt else {}
    handler.responses = {**answers, **(handler.responses or {})}
    for layer in handler.ownership_layers:
        if layer is not router:
            layer.tags = []


def _describe_problems(handler: HTTPRouteHandler) -> None:
    """Add the host's errors where the plugin says nothing of them: much to describe, and ours, so it is not tried."""
    codes = (*CODES, *KEYED) if "POST" in handler.http_methods else CODES
    handler.responses = {**plugin_problems(*codes), **(handler.responses or {})}


def _operation_id(slug: str, wanted: Any) -> Callable[[HTTPRouteHandler, Method, list[Any]], str]:
    """Return what names an operation ``slug_handlerName``, so that no plugin takes the name of another's, or ours."""

    def name(handler: HTTPRouteHandler, method: Method, _: list[Any]) -> str:
        said = wanted if isinstance(wanted, str) else handler.handler_name
        first, *others = [word for word in re.split(r"[^A-Za-z0-9]+", said) if word] or [method.lower()]
        suffix = [method.lower()] if len(handler.http_methods) > 1 else []
        return f"{slug.replace('-', '_')}_" + "".join(
            [first, *(word[:1].upper() + word[1:] for word in others + suffix)]
        )

    return name

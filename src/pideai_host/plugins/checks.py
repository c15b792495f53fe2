"""What an imported object must be before it is registered: named rules, each with a line that tells what to do.

Every rule takes what it judges and yields messages; `check` runs them in an order that reports the cause before its
consequences: an object that is no instance, or one made for another contract, is not judged any further.
"""

import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import msgspec
import pluggy

from pideai_host.api.definition import PluginDefinition
from pideai_host.api.errors import PluginFault
from pideai_host.api.hooks import HOOK_NAMES, PROJECT, PluginSpec
from pideai_host.plugins.definition_rules import DEFINITION_RULES, contract_window
from pideai_host.plugins.records import Status

_parser: Final = pluggy.PluginManager(PROJECT)
"""Only asked which attributes are marked; nothing is ever registered here."""

_ARGUMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    name: tuple(inspect.signature(getattr(PluginSpec, name)).parameters)[1:] for name in HOOK_NAMES
}
_PLAIN: Final = frozenset(name for name in HOOK_NAMES if not inspect.iscoroutinefunction(getattr(PluginSpec, name)))
"""Hooks that the host calls while it starts, on no event loop."""


class Marked(NamedTuple):
    """A marked method: its name, the bound function, and the options given to the marker."""

    name: str
    function: Callable[..., Any]
    options: Mapping[str, Any]


class Fault(NamedTuple):
    """One broken rule, by name, and what the author has to do."""

    rule: str
    message: str


class Refused(PluginFault):
    """A plugin does not pass its checks.

    Attributes:
        faults: Every broken rule that was found.
        status: broken, or incompatible when the contract's versions do not meet.
    """

    def __init__(self, slug: str, *faults: Fault, status: Status = Status.BROKEN) -> None:
        super().__init__("; ".join(fault.message for fault in faults), slug=slug)
        self.faults = faults
        self.status = status


def check(slug: str, plugin: object) -> PluginDefinition:
    """Check a plugin and return its definition, a copy that the plugin cannot change any more.

    Args:
        slug: The entry point's name, which the definition must repeat.
        plugin: What the entry point names.

    Raises:
        Refused: rules are broken.
        BaseException: whatever `plugin_definition` raises.
    """
    _require(slug, "instance", is_instance(plugin))
    methods = marked_methods(plugin)
    declaring = methods.get("plugin_definition")
    _require(slug, "definition", has_definition(declaring, plugin))
    definition = _declared(slug, declaring)
    _require(slug, "contract_window", contract_window(definition), status=Status.INCOMPATIBLE)
    faults = [
        *_named("unmarked", unmarked(plugin, methods)),
        *(
            fault
            for method in methods.values()
            for rule in METHOD_RULES
            for fault in _named(rule.__name__, rule(method))
        ),
        *_named("subscribed", subscribed(definition, methods)),
        *_named("same_slug", same_slug(slug, definition)),
        *(fault for rule in DEFINITION_RULES for fault in _named(rule.__name__, rule(definition))),
    ]
    if faults:
        raise Refused(slug, *faults)
    return definition


def marked_methods(plugin: object) -> dict[str, Marked]:
    """Return the methods that carry `hookimpl`, by name; runs no property of the plugin."""
    options = {name: _parser.parse_hookimpl_opts(plugin, name) for name in dir(plugin)}
    return {name: Marked(name, getattr(plugin, name), found) for name, found in options.items() if found is not None}


def is_instance(plugin: object) -> Iterator[str]:
    """Refuse a class, module or function in place of an instance."""
    kind = next((kind for kind, test in _NOT_INSTANCES if test(plugin)), None)
    if kind is not None:
        yield f"the entry point names {kind}; name an instance, such as `plugin = Plugin()`"


_NOT_INSTANCES: Final[tuple[tuple[str, Callable[[object], bool]], ...]] = (
    ("a class", inspect.isclass),
    ("a module", inspect.ismodule),
    ("a function", inspect.isroutine),
    ("None", lambda plugin: plugin is None),
)


def has_definition(method: Marked | None, plugin: object) -> Iterator[str]:
    """Demand a plain `plugin_definition` that takes no arguments."""
    if method is None:
        is_absent = inspect.getattr_static(plugin, "plugin_definition", None) is None
        yield "it has no plugin_definition; add one" if is_absent else "plugin_definition is not marked; add @hookimpl"
    else:
        yield from plain_where_needed(method)
        yield from known_arguments(method)


def known_hook(method: Marked) -> Iterator[str]:
    """Refuse a marked method whose name is no hook."""
    if method.name not in _ARGUMENTS:
        close = difflib.get_close_matches(method.name, HOOK_NAMES, n=1)
        advice = f"did you mean {close[0]}?" if close else f"hooks are {', '.join(HOOK_NAMES)}"
        yield f"{method.name} is marked with @hookimpl but is no hook; {advice}"


def no_options(method: Marked) -> Iterator[str]:
    """Refuse the marker's options: the host calls each plugin by itself, so order and wrapping mean nothing."""
    given = sorted(name for name, value in method.options.items() if value)
    if given:
        yield f"{method.name} is marked with {', '.join(given)}; use a bare @hookimpl"


def known_arguments(method: Marked) -> Iterator[str]:
    """Demand that each argument is one of the hook's, passed by position."""
    if method.name not in _ARGUMENTS:
        return
    allowed = _ARGUMENTS[method.name]
    try:
        parameters = inspect.signature(method.function).parameters.values()
    except ValueError:
        yield f"{method.name} takes no self; add it"
        return
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY:
            yield f"{method.name} takes {one.name} as keyword-only; remove the * before it"
        elif one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            yield f"{method.name} takes {str(one).partition(':')[0]}; name the arguments that it needs"
        elif one.name not in allowed:
            yield f"{method.name} takes an unknown argument {one.name!r}; {_choice(allowed)}"


def no_generator(method: Marked) -> Iterator[str]:
    """Refuse generators, plain and asynchronous."""
    function = inspect.unwrap(method.function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        yield f"{method.name} is a generator; return the result instead of yielding"


def plain_where_needed(method: Marked) -> Iterator[str]:
    """Refuse `async def` for what the host calls while it starts."""
    if method.name in _PLAIN and inspect.iscoroutinefunction(inspect.unwrap(method.function)):
        yield f"{method.name} is async; make it a plain def, since it is called while the host starts"


METHOD_RULES: Final = (known_hook, no_options, known_arguments, no_generator, plain_where_needed)
"""Rules for each marked method."""


def unmarked(plugin: object, methods: Mapping[str, Marked]) -> Iterator[str]:
    """Refuse what is named like a hook but would never be called."""
    for name in HOOK_NAMES:
        if name not in methods and inspect.getattr_static(plugin, name, None) is not None:
            yield f"{name} is named like a hook but is not a method marked with @hookimpl; mark it or rename it"


def subscribed(definition: PluginDefinition, methods: Mapping[str, Marked]) -> Iterator[str]:
    """Refuse subscriptions that nothing handles."""
    if definition.subscribed_events and "handle_event" not in methods:
        yield "it subscribes to events but has no handle_event; add it or subscribe to none"


def same_slug(slug: str, definition: PluginDefinition) -> Iterator[str]:
    """Demand that the definition repeats the entry point's name."""
    if definition.slug != slug:
        yield f"the definition says slug {definition.slug!r} and the entry point {slug!r}; make them equal"


def _declared(slug: str, declaring: Marked | None) -> PluginDefinition:
    """Call `plugin_definition` and rebuild what it returns: msgspec checks no types when a struct is made."""
    declared = declaring.function() if declaring is not None else None
    if not isinstance(declared, PluginDefinition):
        kind = type(declared).__name__
        raise Refused(slug, Fault("definition", f"plugin_definition returns {kind}; return a PluginDefinition"))
    try:
        schema = msgspec.json.decode(msgspec.json.encode(declared.config_schema))
        definition = msgspec.structs.replace(declared, config_schema=schema)
        return msgspec.convert(msgspec.to_builtins(definition), PluginDefinition)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(slug, Fault("definition", f"plugin_definition has a wrong value: {error}")) from error


def _require(slug: str, rule: str, messages: Iterator[str], *, status: Status = Status.BROKEN) -> None:
    faults = list(_named(rule, messages))
    if faults:
        raise Refused(slug, *faults, status=status)


def _named(rule: str, messages: Iterator[str]) -> Iterator[Fault]:
    return (Fault(rule, message) for message in messages)


def _choice(allowed: tuple[str, ...]) -> str:
    return f"it can take {', '.join(allowed)}" if allowed else "it takes none"

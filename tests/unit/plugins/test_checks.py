import functools
import inspect
import math
import types

import pytest

from pideai_host.api import ExponentialDelays, PluginDefinition, RetryPolicy, hookimpl
from pideai_host.api.hooks import HOOK_NAMES, PluginSpec
from pideai_host.plugins.checks import Refused, check
from pideai_host.plugins.records import Status


def faults(plugin, slug="sample"):
    with pytest.raises(Refused) as caught:
        check(slug, plugin)
    return [fault.message for fault in caught.value.faults]


def test_a_sound_plugin_passes_with_its_definition(make, define):
    assert check("sample", make()) == define()


def test_the_definition_is_a_copy_that_the_plugin_cannot_change(make, define):
    definition = define(config_schema={"type": "object"})
    checked = check("sample", make(definition))

    definition.config_schema["type"] = "string"

    assert checked.config_schema == {"type": "object"}


def test_a_schema_is_kept_as_json_would_keep_it(make, define):
    schema = {"type": "object", "properties": {1: {"enum": ("a", "b")}}}

    assert check("sample", make(define(config_schema=schema))).config_schema == {
        "type": "object",
        "properties": {"1": {"enum": ["a", "b"]}},
    }


@pytest.mark.parametrize("name", HOOK_NAMES)
def test_every_hook_may_be_taken_with_all_its_arguments(make, name):
    arguments = list(inspect.signature(getattr(PluginSpec, name)).parameters)
    namespace: dict[str, object] = {}
    exec(f"def {name}({', '.join(arguments)}): return definition", {"definition": None}, namespace)
    methods = {} if name == "plugin_definition" else {name: hookimpl(namespace[name])}

    assert check("sample", make(**methods)).slug == "sample"


@pytest.mark.parametrize("kind", ["a class", "a module", "a function", "None"])
def test_what_is_no_instance_is_refused(make, kind):
    objects = {"a class": type(make()), "a module": types, "a function": lambda: None, "None": None}

    assert faults(objects[kind]) == [f"the entry point names {kind}; name an instance, such as `plugin = Plugin()`"]


def test_a_plugin_without_definition_is_refused(make):
    assert faults(make(plugin_definition=None)) == ["it has no plugin_definition; add one"]


def test_an_unmarked_definition_is_refused(make):
    assert faults(make(plugin_definition=lambda self: None)) == ["plugin_definition is not marked; add @hookimpl"]


@pytest.mark.parametrize("returned", [None, {"slug": "sample"}, "sample"])
def test_a_definition_of_another_type_is_refused(make, returned):
    plugin = make(plugin_definition=hookimpl(lambda self: returned))

    assert faults(plugin) == [f"plugin_definition returns {type(returned).__name__}; return a PluginDefinition"]


@pytest.mark.parametrize(
    "fields",
    [{"name": 3}, {"type": "gadget"}, {"subscribed_events": ("order.created", 7)}, {"config_schema": {"x": object()}}],
    ids=["name", "type", "subscribed_events", "config_schema"],
)
def test_a_definition_with_a_value_of_the_wrong_type_is_refused(make, define, fields):
    (message,) = faults(make(define(**fields)))

    assert message.startswith("plugin_definition has a wrong value: ")


@pytest.mark.parametrize("delays_s", [(0.5, 1.5), ExponentialDelays(calls=3)], ids=str)
def test_either_way_to_give_delays_is_kept(make, define, delays_s):
    plugin = make(define(retry=RetryPolicy(delays_s=delays_s)))

    assert check("sample", plugin).retry.delays_s == delays_s


def test_a_definition_that_holds_itself_is_refused(make, define):
    schema: dict[str, object] = {"type": "object"}
    schema["properties"] = schema

    assert faults(make(define(config_schema=schema)))[0].startswith("plugin_definition has a wrong value: ")


def test_an_async_definition_is_refused(make):
    async def plugin_definition(self):
        return None

    assert faults(make(plugin_definition=hookimpl(plugin_definition))) == [
        "plugin_definition is async; make it a plain def, since it is called while the host starts"
    ]


def test_a_definition_with_an_argument_is_refused(make):
    plugin = make(plugin_definition=hookimpl(lambda self, context: None))

    assert faults(plugin) == ["plugin_definition takes an unknown argument 'context'; it takes none"]


def test_a_typo_in_a_marked_name_suggests_the_hook(make):
    plugin = make(handle_evnt=hookimpl(lambda self: None))

    assert faults(plugin) == ["handle_evnt is marked with @hookimpl but is no hook; did you mean handle_event?"]


def test_a_marked_name_like_no_hook_lists_the_hooks(make):
    (message,) = faults(make(zzz=hookimpl(lambda self: None)))

    assert message == f"zzz is marked with @hookimpl but is no hook; hooks are {', '.join(HOOK_NAMES)}"


@pytest.mark.parametrize(
    "attribute",
    [lambda self: None, property(lambda self: 1 / 0), functools.partial(print), "sql", []],
    ids=["method", "property", "partial", "text", "list"],
)
def test_what_is_named_like_a_hook_but_unmarked_is_refused(make, attribute):
    assert faults(make(migrations=attribute)) == [
        "migrations is named like a hook but is not a method marked with @hookimpl; mark it or rename it"
    ]


def test_an_override_that_drops_the_marker_is_refused(make):
    class Child(type(make(on_startup=hookimpl(lambda self: None)))):
        def on_startup(self):
            return None

    assert faults(Child()) == [
        "on_startup is named like a hook but is not a method marked with @hookimpl; mark it or rename it"
    ]


def test_an_unknown_argument_is_named_with_those_it_can_take(make):
    plugin = make(on_enable=hookimpl(lambda self, store_id, event: None))

    assert faults(plugin) == ["on_enable takes an unknown argument 'event'; it can take store_id, config, context"]


def test_any_subset_and_order_of_arguments_will_do(make):
    plugin = make(on_enable=hookimpl(lambda self, context, store_id=None: None))

    assert check("sample", plugin).slug == "sample"


def test_a_keyword_only_argument_is_refused(make):
    def on_enable(self, *, store_id):
        return None

    assert faults(make(on_enable=hookimpl(on_enable))) == [
        "on_enable takes store_id as keyword-only; remove the * before it"
    ]


@pytest.mark.parametrize(
    ("function", "shown"), [(lambda self, *args: None, "*args"), (lambda self, **rest: None, "**rest")]
)
def test_arguments_without_names_are_refused(make, function, shown):
    assert faults(make(on_enable=hookimpl(function))) == [f"on_enable takes {shown}; name the arguments that it needs"]


def test_a_method_without_self_is_refused(make):
    def on_startup():
        return None

    assert faults(make(on_startup=hookimpl(on_startup))) == ["on_startup takes no self; add it"]


@pytest.mark.parametrize("option", ["tryfirst", "trylast", "optionalhook", "wrapper", "hookwrapper"])
def test_an_option_of_the_marker_is_refused(make, option):
    plugin = make(on_startup=hookimpl(**{option: True})(lambda self: None))

    assert faults(plugin) == [f"on_startup is marked with {option}; use a bare @hookimpl"]


def test_another_name_for_a_hook_is_refused(make):
    plugin = make(on_startup=hookimpl(specname="on_shutdown")(lambda self: None))

    assert faults(plugin) == ["on_startup is marked with specname; use a bare @hookimpl"]


def test_a_generator_is_refused(make):
    def on_startup(self):
        yield

    assert faults(make(on_startup=hookimpl(on_startup))) == [
        "on_startup is a generator; return the result instead of yielding"
    ]


def test_an_async_generator_is_refused(make):
    async def on_startup(self):
        yield

    assert faults(make(on_startup=hookimpl(on_startup))) == [
        "on_startup is a generator; return the result instead of yielding"
    ]


@pytest.mark.parametrize("name", ["http_routes", "event_sources", "jobs", "cli_commands", "migrations"])
def test_what_the_host_calls_at_its_start_must_be_plain(make, name):
    async def contributed(self):
        return []

    assert faults(make(**{name: hookimpl(contributed)})) == [
        f"{name} is async; make it a plain def, since it is called while the host starts"
    ]


def test_a_plain_function_may_stand_for_an_async_hook(make):
    assert check("sample", make(handle_event=hookimpl(lambda self, event: None))).slug == "sample"


def test_subscriptions_without_a_handler_are_refused(make):
    assert faults(make(handle_event=None)) == [
        "it subscribes to events but has no handle_event; add it or subscribe to none"
    ]


def test_a_plugin_without_subscriptions_needs_no_handler(make, define):
    assert check("sample", make(define(subscribed_events=()), handle_event=None)).subscribed_events == ()


def test_the_definition_repeats_the_entry_points_name(make):
    assert faults(make(), slug="other") == [
        "the definition says slug 'sample' and the entry point 'other'; make them equal"
    ]


def test_all_faults_come_in_one_line(make, define):
    plugin = make(define(config_version=0), on_instal=hookimpl(lambda self: None))

    with pytest.raises(Refused, match=r"^on_instal is marked .*; config_version is 0; set it from 1 to 10000$"):
        check("sample", plugin)


def test_a_fault_names_its_rule(make):
    with pytest.raises(Refused) as caught:
        check("sample", make(handle_evnt=hookimpl(lambda self: None)))

    assert [fault.rule for fault in caught.value.faults] == ["known_hook"]


def test_a_contract_outside_the_window_hides_other_faults(make, define):
    with pytest.raises(Refused) as caught:
        check("sample", make(define(api=">=9", config_version=0)))

    assert (caught.value.status, len(caught.value.faults)) == (Status.INCOMPATIBLE, 1)


def test_a_definition_whose_numbers_are_no_numbers_is_refused(make, define):
    assert faults(make(define(max_age_s=math.nan))) == ["max_age_s is nan; set it above 0, or None for never"]


def test_what_a_definition_raises_goes_through(make):
    plugin = make(plugin_definition=hookimpl(lambda self: PluginDefinition(colour="red")))

    with pytest.raises(TypeError, match="colour"):
        check("sample", plugin)

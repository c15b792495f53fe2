import pytest

from pideai_host.api import hookimpl
from pideai_host.plugins.checks import Refused
from pideai_host.plugins.registry import Registry


def test_an_implementation_is_found_by_slug_and_hook(load):
    hook = load("ok").hook("ok-one", "handle_event")

    assert (hook.slug, hook.name, hook.argnames, hook.is_async) == ("ok-one", "handle_event", ("event",), True)


@pytest.mark.parametrize(
    ("slug", "name"), [("ok-one", "on_install"), ("nobody", "handle_event"), ("typo-hook", "on_install")]
)
def test_what_is_not_there_is_none(load, slug, name):
    assert load("ok", "typo_hook").hook(slug, name) is None


def test_all_implementations_of_a_hook_come_in_the_order_of_the_catalogue(load):
    registry = load("raises", "ok", "second_ok")

    assert [hook.slug for hook in registry.hooks("handle_event")] == ["a-second", "ok-one", "raises"]


def test_definitions_are_those_of_the_ready_ones(load):
    assert {slug: one.slug for slug, one in load("ok", "import_error").definitions.items()} == {"ok-one": "ok-one"}


def test_records_are_sorted_whatever_the_order_of_the_folders(load):
    registry = load("wrapper", "ok", "import_error", "second_ok", "dup_b", "dup_a")

    assert [record.distribution for record in registry.records] == [
        "Another.Fake",
        "fake-dup-a",
        "fake-dup-b",
        "fake-import-error",
        "fake-ok-one",
        "fake-wrapper",
    ]


def test_the_registry_cannot_be_changed(load):
    registry = load("ok")

    with pytest.raises(TypeError):
        registry.definitions["other"] = None


def test_two_registries_share_nothing(load, make):
    load("ok")

    assert Registry.of({"sample": make()}).hook("ok-one", "handle_event") is None


def test_a_plain_function_is_told_from_an_async_one(make):
    registry = Registry.of({"sample": make(handle_event=hookimpl(lambda self, event: None))})

    assert registry.hook("sample", "handle_event").is_async is False


def test_a_decorated_async_function_is_async(make):
    import functools

    def decorate(function):
        @functools.wraps(function)
        def wrapper(*args):
            return function(*args)

        return wrapper

    async def handle_event(self, context, event):
        return None

    hook = Registry.of({"sample": make(handle_event=hookimpl(decorate(handle_event)))}).hook("sample", "handle_event")

    assert (hook.is_async, hook.argnames) == (True, ("context", "event"))


def test_an_argument_with_a_default_is_passed_too(make):
    hook = Registry.of({"sample": make(on_enable=hookimpl(lambda self, store_id, context=None: None))}).hook(
        "sample", "on_enable"
    )

    assert hook.argnames == ("store_id", "context")


def test_instances_are_checked_like_installed_plugins(make):
    with pytest.raises(Refused, match="did you mean handle_event"):
        Registry.of({"sample": make(handle_evnt=hookimpl(lambda self: None))})

import signal

import pytest

from pideai_host.plugins.catalog import Candidate
from pideai_host.plugins.loader import load as load_candidate
from pideai_host.plugins.records import LINE_MAX_CHARS, Phase, Status
from pideai_host.plugins.registry import new_manager

BROKEN = {
    "import_error": (Phase.IMPORT, "No module named 'a_module_that_nobody_has'"),
    "system_exit": (Phase.IMPORT, "importing it raised SystemExit: 3"),
    "wrong_argument": (
        Phase.CHECK,
        "handle_event takes an unknown argument 'evnt'; it can take event, config, context",
    ),
    "typo_hook": (Phase.CHECK, "on_instal is marked with @hookimpl but is no hook; did you mean on_install?"),
    "unmarked_hook": (Phase.CHECK, "on_install is named like a hook but is not a method marked with @hookimpl"),
    "class_not_instance": (Phase.CHECK, "the entry point names a class; name an instance"),
    "slug_mismatch": (Phase.CHECK, "the definition says slug 'another-slug' and the entry point 'slug-mismatch'"),
    "bad_schema": (Phase.CHECK, "config_schema is not valid JSON Schema 2020-12 at $.properties.retries.type"),
    "wrapper": (Phase.CHECK, "handle_event is marked with wrapper; use a bare @hookimpl"),
    "raises_in_definition": (Phase.CHECK, "plugin_definition or an attribute of the plugin raised RuntimeError"),
    "definition_async": (Phase.CHECK, "plugin_definition is async; make it a plain def"),
}


@pytest.mark.parametrize(("case", "phase", "error"), [(case, *rest) for case, rest in BROKEN.items()], ids=BROKEN)
def test_a_broken_distribution_is_recorded_with_its_reason(load, case, phase, error):
    (record,) = load(case).records

    assert (record.status, record.phase) == (Status.BROKEN, phase)
    assert error in record.error


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_distribution_never_stops_the_others(load, case):
    registry = load(case, "ok", "second_ok")

    assert list(registry.definitions) == ["a-second", "ok-one"]


def test_all_broken_ones_at_once_stop_nobody(load):
    registry = load(*BROKEN, "dup_a", "dup_b", "api_too_new", "ok")

    assert list(registry.definitions) == ["ok-one"]
    assert len(registry.records) == len(BROKEN) + 4


def test_a_contract_outside_the_window_is_incompatible_and_named_before_its_consequences(load):
    (record,) = load("api_too_new").records

    assert (record.status, record.phase) == (Status.INCOMPATIBLE, Phase.CHECK)
    assert record.error == ("it was made for contract >=2.0,<3, this host honours 1.0 to 1.2; upgrade the host")


def test_a_ready_plugin_has_a_record_without_error(load):
    (record,) = load("ok").records

    assert (record.slug, record.distribution, record.version, record.source, record.phase, record.status) == (
        "ok-one",
        "fake-ok-one",
        "1.0",
        "fake-ok-one==1.0: ok-one = fake_ok:plugin",
        Phase.READY,
        Status.READY,
    )
    assert (record.error, record.traceback) == (None, None)


def test_an_error_is_one_line_without_the_login_it_quotes(load):
    (record,) = load("raises_in_definition").records

    assert "[redacted]@example.com/definition second line" in record.error
    assert "hunter2" not in record.error + record.traceback


def test_the_traceback_leads_into_the_plugin(load):
    (record,) = load("raises_in_definition").records

    assert "fake_raises_in_definition.py" in record.traceback


def test_a_broken_rule_needs_no_traceback(load):
    (record,) = load("typo_hook").records

    assert record.traceback is None


def test_all_broken_rules_are_told_at_once(load):
    (record,) = load("bad_schema").records

    assert "a default on the writeOnly field /properties/token" in record.error


def test_unselected_plugins_are_never_imported(load):
    registry = load("system_exit", "ok", selection={"ok-one"})

    assert [(record.slug, record.status) for record in registry.records] == [
        ("ok-one", Status.READY),
        ("system-exit", Status.SKIPPED),
    ]


class Fake:
    """An entry point that raises what it is told."""

    value = "fake:plugin"

    def __init__(self, error):
        self.error = error

    def load(self):
        raise self.error


class Unprintable(Exception):  # noqa: N818 - a fake
    def __str__(self):
        raise RuntimeError("not even this")


@pytest.mark.parametrize(
    "error",
    [GeneratorExit(), SystemExit(0), KeyboardInterrupt(), Unprintable(), BaseExceptionGroup("x", [SystemExit()])],
)
def test_nothing_that_an_import_raises_gets_out(error):
    candidate = Candidate(slug="fake", distribution="fake", version="1", entry_point=Fake(error))

    assert load_candidate(candidate, new_manager()).record.status is Status.BROKEN


@pytest.mark.usefixtures("foreground")
def test_the_operators_ctrl_c_gets_out_even_if_the_plugin_turns_it_into_another_error():
    class Slow:
        group = "pideai.plugins"
        name = "fake"
        value = "fake:plugin"

        def load(self):
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("interrupted") from None

    candidate = Candidate(slug="fake", distribution="fake", version="1", entry_point=Slow())

    with pytest.raises(KeyboardInterrupt):
        load_candidate(candidate, new_manager())


def test_a_long_message_is_cut():
    candidate = Candidate(slug="fake", distribution="fake", version="1", entry_point=Fake(ValueError("x" * 9_000)))

    assert len(load_candidate(candidate, new_manager()).record.error) == LINE_MAX_CHARS

"""A plugin's commands are found when they are asked for, and a broken one fails alone, in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from pideai_host.cli.app import run

pytestmark = pytest.mark.usefixtures("log_as_before")

DISTS = Path(__file__).parents[2] / "dists"
HELP_AND_NAME_MODULES = """
import sys
from pideai_host.cli.app import run
run(["--help"])
print(*sorted(sys.modules), file=sys.stderr)
"""


@pytest.fixture
def installed(monkeypatch):
    """Put fake distributions on the path."""
    monkeypatch.delenv("PIDEAI_PLUGINS", raising=False)

    def put(*cases):
        for case in cases:
            monkeypatch.syspath_prepend(str(DISTS / case))

    yield put
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


def test_the_help_of_the_host_looks_for_no_plugin():
    done = subprocess.run(
        [sys.executable, "-c", HELP_AND_NAME_MODULES], capture_output=True, text=True, timeout=60, check=True
    )

    assert "pideai-host SLUG --help" in done.stdout
    assert [name for name in done.stderr.split() if name.startswith(("pideai_host.plugins", "pideai_host.web"))] == []


def test_a_plugins_commands_are_listed_below_its_slug(installed, capsys):
    installed("commands")

    assert run(["commands", "--help"]) == 0

    shown = capsys.readouterr().out
    assert "Commands of the plugin Commands, 1.0." in shown
    assert all(word in shown for word in ("greet", "Say hello.", "rename", "switch"))


def test_a_command_gets_its_plugins_context(installed, capsys, monkeypatch):
    installed("commands")
    monkeypatch.setenv("PIDEAI_PLUGIN_COMMANDS_TOKEN", "t-1")

    assert run(["commands", "show"]) == 0

    said = capsys.readouterr()
    assert said.out == "commands t-1\n"
    assert said.err.splitlines()[-1] == "a word beside"


def test_what_a_plugin_prints_on_import_does_not_spoil_the_output(installed, capsys):
    installed("commands")
    run(["commands", "show"])

    assert "hello from the import" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["greet", "ana"], 3, []),
        (["greet", "nobody"], 2, ["error: nobody is no name", "hint: pideai-host commands greet --help"]),
        (["greet"], 2, ["error: Missing argument 'NAME'.", "hint: pideai-host commands greet --help"]),
        (["nothing"], 2, ["error: No such command 'nothing'.", "hint: pideai-host commands --help"]),
        (["fail"], 1, ["error: the courier sleeps", "hint: Wake it."]),
    ],
)
def test_its_end_is_an_exit_code_and_at_most_two_lines(installed, capsys, arguments, code, said):
    installed("commands")

    assert run(["commands", *arguments]) == code
    assert [line for line in capsys.readouterr().err.splitlines() if line != "hello from the import"] == said


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("commands_raise", "error: plugin commands-raise: cli_commands raised RuntimeError: no commands today"),
        (
            "commands_wrong",
            "error: plugin commands-wrong: cli_commands returns a list of click commands, and nothing else",
        ),
        ("ok", "error: plugin ok-one has no commands"),
        ("raises_in_definition", "error: plugin raises-in-definition cannot be used: plugin_definition or"),
    ],
)
def test_a_broken_one_is_refused_alone_in_one_line(installed, capsys, case, line):
    installed(case, "commands")
    slug = {"ok": "ok-one"}.get(case, case.replace("_", "-"))

    assert run([slug, "show"]) == 1
    assert run(["commands", "show"]) == 0
    assert any(one.startswith(line) for one in capsys.readouterr().err.splitlines())


def test_a_plugin_that_is_not_selected_has_no_commands(installed, capsys, monkeypatch):
    installed("commands")
    monkeypatch.setenv("PIDEAI_PLUGINS", "whatsapp")

    assert run(["commands", "show"]) == 1
    assert capsys.readouterr().err == "error: plugin commands is not named in PIDEAI_PLUGINS\n"


def test_a_slug_that_nobody_has_is_no_command(capsys):
    assert run(["no-such-plugin"]) == 2
    assert capsys.readouterr().err.splitlines()[0] == "error: No such command 'no-such-plugin'."

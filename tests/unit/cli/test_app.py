"""Whatever goes wrong, the caller gets one line, a hint, and an exit code; a traceback only if asked for."""

import subprocess
import sys
from collections.abc import Callable

import psycopg
import pytest
import rich_click as click
from psycopg import errors

from pideai_host import __version__
from pideai_host.api.errors import ConfigurationError
from pideai_host.cli import app
from pideai_host.cli.app import COMMANDS, pideai_host, run


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Add a command `fail` that raises."""

    def add(error: BaseException) -> None:
        @click.command()
        def fail() -> None:
            raise error

        monkeypatch.setitem(pideai_host.commands, "fail", fail)

    return add


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert __version__ in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["nope"], ["--nope"], ["migrate", "--nope"], ["migrate", "--rollback", "x"]])
def test_wrong_call_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert run(arguments) == 2

    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: pideai-host ")
    assert hint.endswith("--help")


@pytest.mark.parametrize("named", ["", " ", ",", " , ,"])
def test_a_worker_that_is_told_to_serve_no_plugin_does_not_serve_all(
    capsys: pytest.CaptureFixture[str], named: str
) -> None:
    assert run(["worker", "--plugins", named]) == 2
    assert "--plugins names none" in capsys.readouterr().err.splitlines()[0]


def test_our_error_is_its_message_and_hint(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]
) -> None:
    failing(ConfigurationError("the port is taken", hint="Choose another."))

    assert run(["fail"]) == 1
    assert capsys.readouterr().err == "error: the port is taken\nhint: Choose another.\n"


def test_our_error_without_hint_is_one_line(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]
) -> None:
    failing(ConfigurationError("the port is taken"))

    assert run(["fail"]) == 1
    assert capsys.readouterr().err == "error: the port is taken\n"


def test_our_error_is_found_within_groups(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]
) -> None:
    ours = ExceptionGroup("inner", [ConfigurationError("the port is taken")])
    failing(ExceptionGroup("outer", [ValueError("also"), ours]))

    assert run(["fail"]) == 1
    assert capsys.readouterr().err == "error: the port is taken\n"


def test_any_other_error_is_one_line_without_secrets(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]
) -> None:
    failing(RuntimeError("lost postgresql://me:hidden@host/db\nand more"))

    assert run(["fail"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: internal: RuntimeError: lost postgresql://[redacted]@host/db",
        "hint: Run `pideai-host --debug …` to see where.",
    ]


@pytest.mark.parametrize("kind", [errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedFunction])
def test_a_database_without_our_tables_is_told_with_the_way_out(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None], kind: type[psycopg.Error]
) -> None:
    failing(kind('"pideai_host.audit" does not exist\nLINE 1: select'))

    assert run(["fail"]) == 1
    assert capsys.readouterr().err.splitlines() == [
        'error: the database lacks what this version needs: "pideai_host.audit" does not exist',
        "hint: Run `pideai-host migrate` first.",
    ]


def test_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]
) -> None:
    failing(RuntimeError("lost"))

    assert run(["--debug", "fail"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_interruption_is_quiet(capsys: pytest.CaptureFixture[str], failing: Callable[[BaseException], None]) -> None:
    failing(KeyboardInterrupt())

    assert run(["fail"]) == 130
    assert capsys.readouterr().err.strip() == ""


def test_exit_code_of_a_command_is_kept(failing: Callable[[BaseException], None]) -> None:
    failing(click.exceptions.Exit(3))

    assert run(["fail"]) == 3


def test_main_leaves_the_process_with_the_code(
    failing: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "set_collector_for_serving", lambda: None)  # not that of the tests
    failing(ConfigurationError("no"))

    with pytest.raises(SystemExit) as left:
        app.main(["fail"])

    assert left.value.code == 1


def test_wrong_setting_is_told_by_name(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIDEAI_PORT", "many")

    assert run(["migrate"]) == 1
    assert capsys.readouterr().err.startswith("error: PIDEAI_PORT must be")


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_helps(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, "--help"]) == 0
    assert f"pideai-host {command}" in capsys.readouterr().out


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_is_listed(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run(["--help"]) == 0
    assert command in capsys.readouterr().out


def test_help_loads_no_command() -> None:
    """So that it answers at once, whatever the host imports by then."""
    code = "import sys; from pideai_host.cli.app import run; run(['--help']); print('psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False"


def test_module_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "pideai_host", "--version"], capture_output=True, check=False)

    assert done.returncode == 0


def test_closed_pipe_is_no_traceback() -> None:
    """As in `pideai-host … | head`."""
    code = "from pideai_host.cli.app import main; main(['--help'])"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    process.wait()

    assert told == ""

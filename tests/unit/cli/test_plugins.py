import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from pideai_host.cli.app import run
from pideai_host.plugins.records import LoadRecord
from pideai_host.plugins.registry import load_registry

DISTS = Path(__file__).parents[2] / "dists"

Installed = Callable[..., None]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """Let the command find the named fake distributions, and nothing else."""
    monkeypatch.setattr("pideai_host.telemetry.set_up", lambda **_: None)
    monkeypatch.delenv("PIDEAI_PLUGINS", raising=False)

    def only(*cases: str) -> None:
        folders = [str(DISTS / case) for case in cases]
        for folder in folders:
            monkeypatch.syspath_prepend(folder)
        monkeypatch.setattr(
            "pideai_host.cli.plugins.load_registry", lambda selection: load_registry(selection, paths=folders)
        )

    yield only
    for name in [name for name in sys.modules if name.startswith("fake_")]:
        del sys.modules[name]


def row_of(slug: str, shown: str) -> str:
    (row,) = [line for line in shown.splitlines() if line.split()[:1] == [slug]]
    return " ".join(row.split())


def test_broken_plugins_stand_in_the_same_table_with_the_reason(installed, capsys):
    installed("ok", "typo_hook")

    run(["plugins", "list"])

    shown = capsys.readouterr().out
    assert row_of("ok-one", shown) == "ok-one 1.0 ready ready fake-ok-one"
    assert row_of("typo-hook", shown) == (
        "typo-hook 1.0 broken check fake-typo-hook "
        "on_instal is marked with @hookimpl but is no hook; did you mean on_install?"
    )


def test_a_plugin_whose_routes_are_refused_is_partial_with_the_reason(installed, capsys):
    installed("ok", "routes_escape")

    code = run(["plugins", "list", "--strict"])

    assert code == 1
    assert row_of("routes-escape", capsys.readouterr().out) == (
        "routes-escape 1.0 partial routes fake-routes-escape its routes are refused: "
        "/routes-escape/../plugins has other characters than letters, digits, and . _ ~ -"
    )


def test_a_plugin_whose_migrations_cannot_be_read_is_broken_with_the_reason(installed, capsys):
    installed("ok", "migration_one_way")

    run(["plugins", "list"])

    assert row_of("migration-one-way", capsys.readouterr().out) == (
        "migration-one-way 1.0 broken migrations fake-migration-one-way "
        "migration-one-way: 001_there.sql has no rollback/001_there.sql that undoes it"
    )


def test_the_table_ends_with_a_count(installed, capsys):
    installed("ok", "second_ok", "system_exit", "dup_a", "dup_b")

    run(["plugins", "list"])

    assert capsys.readouterr().out.splitlines()[-1] == "1 broken, 2 conflict, 2 ready"


def test_json_holds_every_record(installed, capsys):
    installed("ok", "import_error")

    run(["plugins", "list", "--json"])

    records = msgspec.json.decode(capsys.readouterr().out, type=list[LoadRecord])
    assert [(record.slug, record.status, record.traceback is None) for record in records] == [
        ("import-error", "broken", False),
        ("ok-one", "ready", True),
    ]


@pytest.mark.parametrize(
    ("cases", "flags", "code"),
    [
        (["ok", "typo_hook"], [], 0),
        (["ok", "typo_hook"], ["--strict"], 1),
        (["dup_a", "dup_b"], ["--strict"], 1),
        (["api_too_new"], ["--strict", "--json"], 1),
        (["ok"], ["--strict"], 0),
    ],
)
def test_broken_plugins_change_the_exit_code_only_when_strict(installed, cases, flags, code):
    installed(*cases)

    assert run(["plugins", "list", *flags]) == code


def test_unselected_plugins_are_listed_and_fine(installed, capsys, monkeypatch):
    installed("ok", "system_exit")
    monkeypatch.setenv("PIDEAI_PLUGINS", "none")

    assert run(["plugins", "list", "--strict"]) == 0
    assert row_of("system-exit", capsys.readouterr().out) == (
        "system-exit 1.0 skipped select fake-system-exit not named in PIDEAI_PLUGINS"
    )


def test_tracebacks_are_shown_on_demand(installed, capsys):
    installed("import_error")

    run(["--debug", "plugins", "list"])

    assert "fake_import_error.py" in capsys.readouterr().out


def test_without_debug_no_traceback_is_shown(installed, capsys):
    installed("import_error")

    run(["plugins", "list"])

    assert "Traceback" not in capsys.readouterr().out


def test_no_plugins_is_said_in_words(installed, capsys):
    installed()

    run(["plugins", "list"])

    assert capsys.readouterr().out == "No plugins are installed.\n"


def test_what_plugins_print_and_markup_in_their_words_do_not_spoil_the_output(installed, capsys, tmp_path, monkeypatch):
    info = tmp_path / "loud-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: loud\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pideai.plugins]\nloud = fake_loud:plugin\n")
    (tmp_path / "fake_loud.py").write_text("print('hello')\nraise ValueError('[red]no[/red]')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    installed(str(tmp_path))

    run(["plugins", "list"])

    shown = capsys.readouterr().out
    assert "hello" not in shown
    assert row_of("loud", shown).endswith("ValueError: [red]no[/red]")


def test_installed_distributions_are_found_without_a_database(tmp_path):
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(str(DISTS / case) for case in ("ok", "exits", "system_exit")),
        "PIDEAI_DATA_DIR": str(tmp_path / "untouched"),
        "PIDEAI_PLUGINS": "ok-one,system-exit",
    }

    done = subprocess.run(
        [sys.executable, "-m", "pideai_host", "plugins", "list", "--json"],
        env=environ,
        capture_output=True,
        timeout=60,
        check=True,
    )

    statuses = {record.slug: record.status for record in msgspec.json.decode(done.stdout, type=list[LoadRecord])}
    assert (statuses["ok-one"], statuses["system-exit"], statuses["exits"]) == ("ready", "broken", "skipped")
    assert not (tmp_path / "untouched").exists()

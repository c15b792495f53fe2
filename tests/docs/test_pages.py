"""What holds for all pages: links lead somewhere, commands exist, decisions have their shape."""

import re
import shlex

import pytest

from pideai_host.cli.app import run

_LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")
_SPOKEN = re.compile(r"`(?:uv run )?(pideai-host [^`<…]+)`")
_COMMAND = re.compile(r"(?:^|uv run )(pideai-host .*)")
ADR_SECTIONS = ["Context", "Decision", "Consequences", "Rules that keep this safe"]


def _shell_lines(page) -> list[str]:
    return [
        line.partition("#")[0].strip()
        for block in page.blocks("sh")
        for whole in block.splitlines()
        for line in whole.split("&&")
    ]


def _commands(pages) -> set[str]:
    written = [line for page in pages for line in _shell_lines(page)]
    spoken = [command for page in pages for command in _SPOKEN.findall(page.text)]
    return {found[1] for line in [*written, *spoken] if (found := _COMMAND.search(line))}


def test_every_link_within_the_repository_leads_to_a_file(pages):
    broken = [
        f"{page.path.name}: {target}"
        for page in pages
        for target in _LINK.findall(page.text)
        if not (page.path.parent / target).exists()
    ]

    assert broken == []


def test_every_command_that_is_written_exists_with_its_options(pages, capsys):
    faults = [command for command in sorted(_commands(pages)) if not _exists(command, capsys)]

    assert faults == []


def _exists(command: str, capsys: pytest.CaptureFixture[str]) -> bool:
    words = shlex.split(command)[1:]
    options = [word for word in words if word.startswith("-")]
    path = [word for word in words[: words.index(options[0])] if options] if options else words
    code = run([*path, "--help"])
    said = capsys.readouterr().out
    return code == 0 and all(option in said for option in options)


def test_the_two_commands_stand_in_the_readme_as_promised(page):
    lines = [line.split("  #")[0].strip() for block in page("README.md").blocks("sh") for line in block.splitlines()]

    assert "python3 -m pip install uv && uv run pideai-host demo" in lines
    assert "python3 -m venv .v && .v/bin/pip install uv && .v/bin/uv run pideai-host demo" in lines
    assert "uv run pytest" in lines


def test_every_decision_has_its_shape_and_its_line_in_the_list(pages, page):
    decisions = [one for one in pages if re.match(r"\d{4}-", one.path.name)]
    listed = re.findall(r"\]\((\d{4}-[^)]+)\)", page("docs/adr/README.md").text)

    assert listed == [one.path.name for one in decisions]
    assert all(one.headings(2) == ADR_SECTIONS for one in decisions)
    assert all(re.search(r"^Status: \w+.*\nDate: \d{4}-\d\d-\d\d$", one.text, re.MULTILINE) for one in decisions)
    assert all(one.headings(1)[0].startswith(one.path.name[:4]) for one in decisions)


@pytest.mark.parametrize("name", ["README.md", "docs/deploy.md"])
def test_no_page_of_the_set_up_names_a_variable_that_is_not_explained(page, name):
    explained = page("docs/settings.md").text + "PIDEAI_TEST_PG_BIN"
    named = set(re.findall(r"\b(?:PIDEAI|SUPABASE)_[A-Z_]+|\b(?:ADMIN_)?DATABASE_URL", page(name).text))

    assert {variable for variable in named if variable not in explained} == set()

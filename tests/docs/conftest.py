"""The documentation as data: what these tests compare with the code."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"(?<!\\)\|")


class Page(NamedTuple):
    """A Markdown file."""

    path: Path
    text: str

    def blocks(self, language: str) -> list[str]:
        return [body for name, body in _FENCE.findall(self.text) if name == language]

    def headings(self, level: int) -> list[str]:
        prose = _FENCE.sub("", self.text)
        return [title for marks, title in _HEADING.findall(prose) if len(marks) == level]

    def section(self, title: str) -> str:
        """The text below a heading, up to the next one of any level."""
        return re.split(r"^#+ ", self.text.split(f"# {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without their heads."""
    lines = [line.strip() for line in text.splitlines()]
    tables = [[cell.strip() for cell in _CELL.split(line)[1:-1]] for line in lines if line.startswith("|")]
    heads = {at - 1 for at, cells in enumerate(tables) if set("".join(cells)) <= {"-", ":"} and cells[0]}
    return [cells for at, cells in enumerate(tables) if at not in heads and at - 1 not in heads]


@pytest.fixture(autouse=True)
def _log_as_before(log_as_before: None) -> None:
    """Commands run within the tests' own process, and set up its log."""


@pytest.fixture
def page() -> Callable[[str], Page]:
    """Read a page by its path from the root of the repository."""

    def read(name: str) -> Page:
        return Page(ROOT / name, (ROOT / name).read_text(encoding="utf-8"))

    return read


@pytest.fixture
def pages() -> list[Page]:
    """All pages of the repository that are written for people."""
    folders = ("*.md", "docs/**/*.md", "plugins/*/*.md")
    return [Page(path, path.read_text(encoding="utf-8")) for glob in folders for path in sorted(ROOT.glob(glob))]


@pytest.fixture
def table_rows() -> Callable[[str], list[list[str]]]:
    return rows

"""docs/errors.md has every code that an error of the host can carry, with its HTTP status."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pideai_host
from pideai_host.api import PideaiError
from pideai_host.web.problem_pages import explained
from pideai_host.web.problems import TABLE


def _descendants(error: type[PideaiError]) -> Iterator[type[PideaiError]]:
    for below in error.__subclasses__():
        yield below
        yield from _descendants(below)


def _codes() -> set[str]:
    for module in pkgutil.walk_packages(pideai_host.__path__, "pideai_host."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    ours = {error.code for error in _descendants(PideaiError) if error.__module__.startswith("pideai_host.")}
    return ours | set(TABLE)


def test_every_code_has_a_heading_with_its_status_and_no_other(page):
    expected = {f"`{code}` ({TABLE[code][0]})" if code in TABLE else f"`{code}`" for code in _codes()}

    assert set(page("docs/errors.md").headings(3)) == expected


def test_every_reason_of_what_is_not_understood_is_told(page):
    sources = Path(pideai_host.__path__[0]).rglob("*.py")
    reasons = {one for source in sources for one in re.findall(r'NotUnderstood\("(\w+)"', source.read_text())}
    told = page("docs/errors.md").text.split("### `not_understood`")[1].split("###")[0]

    assert {"unreadable", "bad_row"} < reasons
    assert {reason for reason in reasons if f"`{reason}`" not in told} == set()


def test_the_page_s_english_text_is_this_one(page):
    assert page("src/pideai_host/web/errors/en.md").text == page("docs/errors.md").text, (
        "docs/errors.md has changed: cp docs/errors.md src/pideai_host/web/errors/en.md"
    )


def test_every_code_of_a_problem_is_explained_in_spanish_too():
    said = explained("es")

    assert set(said) == set(TABLE), "each code has a section in src/pideai_host/web/errors/es.md: ### `code`: Name"
    assert [code for code in said if not (said[code].text and said[code].title != TABLE[code][1])] == []


def test_every_code_of_a_problem_is_explained_in_english():
    assert [code for code in TABLE if not explained("en")[code].text] == []

"""docs/errors.md has every code that an error of the host can carry, with its HTTP status."""

import importlib
import pkgutil
from collections.abc import Iterator

import pideai_host
from pideai_host.api import PideaiError
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

"""docs/settings.md is what `Settings` reads."""

import re

from pideai_host.settings import Settings

_OF_FIELD = re.compile(r"^ +(\w+): ([A-Z][A-Z0-9_]+)\b", re.MULTILINE)


class Asked(dict[str, str]):
    """An empty environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, key, default=None):
        self.names.add(key)
        return default


def _documented(page, table_rows) -> dict[str, str]:
    return {cells[0].strip("`"): cells[1] for cells in table_rows(page("docs/settings.md").text)}


def test_every_variable_that_is_read_has_a_line_and_no_other(page, table_rows):
    asked = Asked()
    Settings.from_env(asked)

    assert set(_documented(page, table_rows)) == asked.names


def test_plain_defaults_are_the_code_s(page, table_rows):
    defaults = Settings.from_env({})
    plain = {
        variable: getattr(defaults, field)
        for field, variable in _OF_FIELD.findall(Settings.__doc__ or "")
        if type(getattr(defaults, field)) in (int, str)
    }

    documented = _documented(page, table_rows)

    assert {variable: documented[variable] for variable in plain} == {name: f"`{one}`" for name, one in plain.items()}

"""A process of the server that cannot start says why as the command line does."""

import os

import pytest

from pideai_host.api import ConfigurationError
from pideai_host.web.stopping import leave


class Left(Exception):  # noqa: N818 - stands for the end of the process
    pass


@pytest.mark.parametrize(
    ("hint", "lines"),
    [("Mend it.", ["error: it is wrong", "hint: Mend it."]), ("", ["error: it is wrong"])],
)
def test_it_leaves_with_one_line_and_a_hint(monkeypatch, capsys, hint, lines):
    def end(code):
        raise Left(code)

    monkeypatch.setattr(os, "_exit", end)
    with pytest.raises(Left, match="1"):
        leave(ConfigurationError("it is wrong", hint=hint))

    assert capsys.readouterr().err.splitlines() == lines

import pytest

from pideai_host.plugins.records import (
    LINE_MAX_CHARS,
    TRACEBACK_MAX_CHARS,
    describe,
    format_traceback,
    one_line,
    redact,
)


class Unprintable(Exception):  # noqa: N818 - a fake
    def __str__(self):
        raise RuntimeError("not even this")


def test_text_becomes_one_line():
    assert one_line("first\n  second\tthird\r\n") == "first second third"


def test_long_text_is_cut():
    assert len(one_line("x" * 5_000)) == LINE_MAX_CHARS


def test_a_login_in_a_url_is_blanked_out():
    assert redact("postgresql://me:pass@db.example.com/x") == "postgresql://[redacted]@db.example.com/x"


def test_the_value_of_a_secret_variable_is_blanked_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIDEAI_SAMPLE_API_KEY", "live-0123456789")

    assert redact("401 for live-0123456789") == "401 for [redacted]"


def test_an_exception_is_named_with_its_message():
    assert describe(ValueError("no\nnumber")) == "ValueError: no number"


def test_an_exception_that_cannot_be_printed_is_still_described():
    assert "Unprintable" in describe(Unprintable())


def test_a_long_traceback_keeps_its_end():
    shown = format_traceback(ValueError("x\n" * 50_000 + "the end"))

    assert (len(shown), shown.endswith("the end")) == (TRACEBACK_MAX_CHARS, True)


def test_control_characters_do_not_reach_a_terminal():
    assert one_line("a\x1b[2Jb\x07c\x9bd") == "a [2Jb c d"

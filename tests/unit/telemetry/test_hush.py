"""What a plugin was given is not told, in its call and in what the call started."""

import asyncio
import contextvars
import io
import json
import sys
from urllib.parse import quote

import pytest

from pideai_host.telemetry.hush import HUSHED, begin_hushing, forms, hush, hush_output, hushed
from pideai_host.telemetry.redact import redact

SECRET = 'pa"ss/wo\nrd'


@pytest.fixture
def inside():
    """Run a function where something is hushed."""

    def run(function, *arguments):
        def within():
            begin_hushing()
            hush(SECRET)
            hush("abc")
            return function(*arguments)

        return contextvars.copy_context().run(within)

    return run


@pytest.mark.parametrize("form", [str, repr, json.dumps, lambda text: quote(text, safe="")])
def test_a_value_is_not_told_in_any_form(inside, form):
    assert inside(hushed, f"it is {form(SECRET)}!").strip("'\"") in (
        f"it is {HUSHED}!",
        f"it is '{HUSHED}'!",
        f'it is "{HUSHED}"!',
    )


@pytest.mark.parametrize(
    "value", ["plain-_.~", "whsec_aB3+/+/==", "a+b c", SECRET, "señal", "a%2Fb", "~tilde=", "'quoted'"]
)
def test_the_forms_are_those_of_python_json_and_urls(value):
    assert forms(value) == {
        value,
        repr(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
    }


@pytest.mark.parametrize("kind", ["plain", "whsec_+/=", "with a space"])
def test_a_value_is_not_kept_beyond_what_it_was_given_for(kind):
    value = f"{kind} {kind}".replace(" ", kind[-1])
    before = sys.getrefcount(value)
    contextvars.Context().run(lambda: (begin_hushing(), hush(value), hushed(value)))

    assert sys.getrefcount(value) == before


def test_a_value_that_is_too_short_would_take_half_of_a_text_with_it(inside):
    assert inside(hushed, "abc") == "abc"


def test_where_nothing_was_begun_nothing_is_kept():
    assert contextvars.Context().run(lambda: (hush(SECRET), hushed(SECRET))[1]) == SECRET


def test_what_is_hushed_in_one_call_is_told_in_another(inside):
    inside(hushed, SECRET)

    assert hushed(SECRET) == SECRET


async def test_what_a_call_started_is_hushed_by_what_the_call_is_given_later():
    begin_hushing()
    given = asyncio.Event()

    async def later():
        await given.wait()
        return hushed(SECRET)

    task = asyncio.create_task(later())
    hush(SECRET)
    given.set()

    assert await task == HUSHED


class Odd:
    def __str__(self):
        return SECRET


class Broken:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize("value", [SECRET, ValueError(SECRET), [SECRET], {SECRET: 1}, Odd()])
def test_no_value_of_a_line_of_the_log_tells_it(inside, value):
    assert SECRET not in str(inside(redact, None, "", {"value": value}))


def test_a_value_that_cannot_be_shown_is_named():
    assert redact(None, "", {"value": Broken()}) == {"value": "[Broken]"}


@pytest.mark.parametrize("value", [None, True, 3, 1.5])
def test_numbers_stay_numbers(value):
    assert redact(None, "", {"value": value})["value"] is value


def test_what_is_printed_is_hushed(inside, monkeypatch):
    out, error = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", error)
    hush_output()
    hush_output()

    inside(print, "it is", SECRET)
    inside(lambda: sys.stderr.writelines([f"and {SECRET}\n"]))

    assert (out.getvalue(), error.getvalue()) == (f"it is {HUSHED}\n", f"and {HUSHED}\n")

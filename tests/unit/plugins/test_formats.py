"""Formats in plugins' schemas are asserted as jsonschema does, durations among them."""

import pytest
from jsonschema import Draft202012Validator

from pideai_host.plugins.formats import FORMATS


def fits(name, value):
    return Draft202012Validator({"format": name}, format_checker=FORMATS).is_valid(value)


@pytest.mark.parametrize(
    "value",
    [
        "P4DT12H30M5S",
        "P4Y",
        "PT0S",
        "P0D",
        "P1M",
        "PT1M",
        "PT36H",
        "P1DT12H",
        "P2W",
        "-P1D",
        "+PT5M",
        "PT0.5S",
        "PT0,5S",
    ],
)
def test_a_duration_of_iso_8601_is_one(value):
    assert fits("duration", value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "P",
        "PT",
        "P1",
        "PT1",
        "P1YT",
        "PT1D",
        "P1D2H",
        "P2D1Y",
        "P2S",
        "P1Y2W",
        "P2W1D",
        "4DT12H30M5S",
        "p1d",
        "P1D\n",
        " P1D",
        "P২Y",
        "P1.D",
        "P.5D",
        "P0003-06-04T12:30:05",
        "30 minutes",
    ],
)
def test_what_only_resembles_a_duration_is_none(value):
    assert not fits("duration", value)


def test_what_is_no_string_has_no_format():
    assert fits("duration", 30)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", "2026-11-28T07:50:00Z", "yesterday"),
        ("email", "ana@x.test", "ana"),
        ("uri", "https://x.test/a", "x test"),
        ("uuid", "6f1c2b7e-5d0a-4c1f-9e8d-7c6b5a493827", "6f1c"),
        ("regex", "^a+$", "("),
        ("hostname", "x.test", "x_ test"),
    ],
)
def test_other_formats_are_asserted_as_jsonschema_does(name, good, bad):
    assert fits(name, good)
    assert not fits(name, bad)

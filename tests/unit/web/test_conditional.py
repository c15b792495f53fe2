"""A change names the state it was made upon by strong tags, as they were read."""

import pytest
from litestar.exceptions import HTTPException

from pideai_host.stores.expected import ChangedMeanwhile
from pideai_host.web.conditional import expected_tags


@pytest.mark.parametrize(
    ("header", "tags"),
    [
        (None, None),
        ("*", None),
        (" * ", None),
        ('"a-1"', {"a-1"}),
        ('"a-1", "b-2"', {"a-1", "b-2"}),
        (',"a-1",, "b,2"', {"a-1", "b,2"}),
        ('W/"a-1", "b-2"', {"b-2"}),
        ('""', {""}),
    ],
)
def test_strong_tags_are_taken(header, tags):
    assert expected_tags(header) == tags


@pytest.mark.parametrize(
    "header", ["", " ", "a-1", "a-1-2, b", '"a', '"a" "b"', 'w/"a"', "*, *", '"a", *', '"a\x00"', "W/a"]
)
def test_what_is_no_list_of_tags_is_refused(header):
    with pytest.raises(HTTPException) as caught:
        expected_tags(header)

    assert caught.value.status_code == 400


@pytest.mark.parametrize("header", ['W/"a-1"', 'W/"a-1", W/"b-2"'])
def test_weak_tags_match_nothing_and_the_hint_says_who_makes_them(header):
    with pytest.raises(ChangedMeanwhile) as caught:
        expected_tags(header)

    assert "proxy" in caught.value.hint


def test_a_long_list_without_an_end_is_refused_at_once():
    with pytest.raises(HTTPException):
        expected_tags('"a",' * 240 + " , \t" * 10 + "x")

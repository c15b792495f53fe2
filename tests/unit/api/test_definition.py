import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api import RESERVED_SLUGS, slug_fault


@pytest.mark.parametrize("slug", ["ab", "a1", "whatsapp", "webhook-bridge", "a-b-c", "x2-3", "a" * 32])
def test_lower_case_words_joined_by_hyphens_are_slugs(slug):
    assert slug_fault(slug) is None


@pytest.mark.parametrize(
    "slug",
    ["Abc", "1ab", "-ab", "ab-", "a--b", "a_b", "a.b", "a b", "ab\n", "añb", "a/b", "a٣", "ab\x00"],
)
def test_anything_else_is_none(slug):
    assert slug_fault(slug) == f"slug {slug!r} is not lower-case words joined by single hyphens"


@pytest.mark.parametrize("slug", ["", "a", "a" * 33])
def test_too_short_and_too_long_slugs_are_told_with_their_length(slug):
    assert slug_fault(slug) == f"slug {slug!r} has {len(slug)} characters; 2 to 32 are allowed"


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS))
def test_words_of_the_hosts_paths_are_reserved(slug):
    assert slug_fault(slug) == f"slug {slug!r} is reserved for the host's own paths"


def test_the_reserved_words_are_those_of_the_design():
    assert {"plugins", "deliveries", "events", "replays", "credits", "audit", "stream", "notices"} == RESERVED_SLUGS


@given(st.text(max_size=40))
def test_no_fault_means_that_the_written_rule_holds(text):
    rule = re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", text) is not None

    assert (slug_fault(text) is None) == (rule and 2 <= len(text) <= 32 and text not in RESERVED_SLUGS)

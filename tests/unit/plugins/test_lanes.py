import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.api.definition import SLUG_MAX_CHARS, SLUG_PATTERN
from pideai_host.plugins.lanes import bulk_lane, main_lane, slug_of

PGMQ_NAME_MAX_CHARS = 47

slugs = st.from_regex(SLUG_PATTERN, fullmatch=True).filter(lambda slug: slug.isascii() and len(slug) <= SLUG_MAX_CHARS)


def test_lanes_are_the_slug_with_underscores():
    assert (main_lane("webhook-bridge"), bulk_lane("webhook-bridge")) == (
        "pideai_webhook_bridge",
        "pideai_webhook_bridge__bulk",
    )


@given(slugs)
def test_both_lanes_lead_back_to_their_slug(slug):
    assert [slug_of(main_lane(slug)), slug_of(bulk_lane(slug))] == [slug, slug]


@given(slugs, slugs)
def test_no_two_lanes_share_a_name(one, other):
    lanes = {main_lane(one), bulk_lane(one), main_lane(other), bulk_lane(other)}

    assert len(lanes) == (2 if one == other else 4)


def test_the_longest_lane_fits_a_queue_name():
    assert len(bulk_lane("a" * SLUG_MAX_CHARS)) <= PGMQ_NAME_MAX_CHARS


def test_a_queue_of_somebody_else_is_refused():
    with pytest.raises(ValueError, match="'orders' is not a lane"):
        slug_of("orders")

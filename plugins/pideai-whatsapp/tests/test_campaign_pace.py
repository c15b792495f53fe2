"""What a campaign does next: never faster than its rate, never against a wall."""

from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.campaigns.pace import BACKLOG_MAX, Finish, HandOver, Hold, Outlook, Pause, pause_s, step_of
from pideai_whatsapp.config import CAMPAIGNS_PER_MINUTE_MAX

rates = st.integers(min_value=1, max_value=CAMPAIGNS_PER_MINUTE_MAX)
chances = st.floats(min_value=0.0, max_value=1.0, exclude_max=True)
counts = st.integers(min_value=0, max_value=12)
outlooks = st.builds(
    Outlook,
    is_enabled=st.booleans(),
    is_usable=st.booleans(),
    credits=st.one_of(st.none(), st.integers(min_value=-5, max_value=20)),
    pending=counts,
    failed=counts,
    total=counts,
    has_next=st.booleans(),
)


@given(rates, st.lists(chances, min_size=40, max_size=40))
def test_in_no_minute_go_out_more_than_the_rate_says(per_minute, drawn):
    at, times = 0.0, []
    for chance in drawn:
        times.append(at)
        at += pause_s(per_minute, chance)

    # a hair less than a minute, since pauses are sums of floats
    assert all(sum(begin <= one < begin + 59.999 for one in times) <= per_minute for begin in times)


@given(rates)
def test_chance_makes_a_pause_up_to_half_as_long_again_and_more(per_minute):
    even, late = pause_s(per_minute, 0.0), pause_s(per_minute, 0.999)

    assert (even, late > 1.5 * even) == (60.0 / per_minute, True)


@given(outlooks, rates, chances)
def test_a_message_goes_out_only_where_it_can_and_is_paid(outlook, per_minute, chance):
    step = step_of(outlook, per_minute=per_minute, chance=chance)

    if isinstance(step, HandOver):
        assert outlook.is_enabled
        assert outlook.is_usable
        assert outlook.has_next
        assert outlook.pending < BACKLOG_MAX
        assert outlook.credits is None or outlook.credits > outlook.pending


@given(outlooks, rates, chances)
def test_every_pause_ends_some_day(outlook, per_minute, chance):
    step = step_of(outlook, per_minute=per_minute, chance=chance)

    assert not isinstance(step, Hold | HandOver) or 0.0 < step.pause_s <= 96.0


def test_it_rests_when_nothing_can_be_spent_and_nothing_is_under_way():
    assert step_of(Outlook(credits=0), per_minute=6, chance=0.0) == Pause(reason="no_credits")
    assert isinstance(step_of(Outlook(credits=1, pending=1), per_minute=6, chance=0.0), Hold)


def test_it_rests_when_nearly_all_of_the_last_failed():
    assert step_of(Outlook(total=10, failed=8), per_minute=6, chance=0.0) == Pause(reason="failing")
    assert isinstance(step_of(Outlook(total=10, failed=7), per_minute=6, chance=0.0), HandOver)


def test_it_is_over_when_nobody_waits_and_nothing_is_under_way():
    assert step_of(Outlook(has_next=False, is_usable=False), per_minute=6, chance=0.0) == Finish()
    assert isinstance(step_of(Outlook(has_next=False, pending=1), per_minute=6, chance=0.0), Hold)


def test_a_store_that_is_off_or_not_linked_is_left_in_peace():
    held = [
        step_of(outlook, per_minute=6, chance=0.0).held
        for outlook in (Outlook(is_enabled=False), Outlook(is_usable=False), Outlook(pending=BACKLOG_MAX))
    ]

    assert held == ["off", "not_connected", "backlog"]

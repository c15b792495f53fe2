"""A message's progress: it only ever goes forward, whatever order the reports come in."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.signals import Progress, moves_to

RIGHTWARD = [Progress.ACCEPTED, Progress.SENT, Progress.DELIVERED, Progress.READ]
ANY = st.sampled_from(Progress)


def after(reports: list[Progress], start: Progress = Progress.ACCEPTED) -> Progress:
    return reduce(lambda now, new: new if moves_to(now, new) else now, reports, start)


@given(ANY)
def test_a_repeat_moves_nothing(progress: Progress) -> None:
    assert not moves_to(progress, progress)


@given(ANY, ANY)
def test_nothing_moves_both_ways(one: Progress, other: Progress) -> None:
    assert not (moves_to(one, other) and moves_to(other, one))


@given(st.lists(st.sampled_from(RIGHTWARD)))
def test_without_a_failure_the_order_of_the_reports_does_not_matter(reports: list[Progress]) -> None:
    furthest = max([Progress.ACCEPTED, *reports], key=RIGHTWARD.index)

    assert after(reports) is furthest
    assert after(reports[::-1]) is furthest


@given(st.lists(ANY))
def test_what_arrived_cannot_fail(reports: list[Progress]) -> None:
    assert after([*reports, Progress.FAILED], start=Progress.DELIVERED) in (Progress.DELIVERED, Progress.READ)


@given(st.lists(ANY))
def test_what_failed_stays_failed(reports: list[Progress]) -> None:
    assert after(reports, start=Progress.FAILED) is Progress.FAILED

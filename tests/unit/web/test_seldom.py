"""What happens all the time is told now and then, with how often it was."""

from pideai_host.web.seldom import Seldom


def test_the_first_time_is_told_and_then_none_until_time_has_passed():
    clock = iter([0.0, 1.0, 59.9, 60.0, 61.0])
    seldom = Seldom(60.0, monotonic=clock.__next__)

    assert [seldom.happened() for _ in range(5)] == [1, 0, 0, 3, 0]

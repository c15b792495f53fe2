"""When a process does no more work for a plugin."""

import pytest

from pideai_host.plugins.quarantine import Quarantine


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def quarantine(clock):
    return Quarantine(blocks_max=3, window_s=60.0, stuck_max=2, monotonic=clock)


def test_a_plugin_that_blocks_the_loop_again_and_again_is_quarantined(quarantine):
    for _ in range(3):
        quarantine.blocked("slow")

    assert quarantine.reasons == {"slow": "blocked the event loop 3 times within 60 s"}


def test_blocks_far_apart_are_borne(quarantine, clock):
    for _ in range(9):
        quarantine.blocked("slow")
        clock.now_s += 31.0

    assert quarantine.reasons == {}


def test_each_plugin_is_counted_apart(quarantine):
    for slug in ("one", "two", "one", "two"):
        quarantine.blocked(slug)

    assert quarantine.reasons == {}


def test_a_plugin_whose_calls_hang_is_quarantined(quarantine):
    quarantine.stuck("hangs", 1)
    before = dict(quarantine.reasons)
    quarantine.stuck("hangs", 2)

    assert (before, list(quarantine.reasons)) == ({}, ["hangs"])


def test_the_first_reason_stays(quarantine):
    quarantine.stuck("hangs", 2)
    quarantine.stuck("hangs", 7)

    assert quarantine.reasons["hangs"].startswith("2 calls hang")


def test_a_plugin_whose_calls_leave_ever_more_tasks_running_is_quarantined(clock):
    quarantine = Quarantine(left_max=3, monotonic=clock)
    quarantine.left("leaks", 2)
    before = dict(quarantine.reasons)
    quarantine.left("leaks", 3)

    assert (before, quarantine.reasons) == ({}, {"leaks": "its calls left 3 tasks running"})

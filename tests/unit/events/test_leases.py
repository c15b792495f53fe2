"""Leases are lengthened while a worker lives, and no call is begun under one that is about to end."""

import psycopg
import pytest

from pideai_host.events.leases import LEASE_S, MARGIN_S, RENEW_S, Leases


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


class Message:
    lane = "pideai_probe"

    def __init__(self, msg_id, read_ct=1):
        self.msg_id, self.read_ct = msg_id, read_ct


class Queue:
    def __init__(self):
        self.renewed = []
        self.answers = None

    async def renew(self, lane, batch, lease_s):
        if isinstance(self.answers, Exception):
            raise self.answers
        ids = {one.msg_id for one in batch}
        self.renewed.append(ids)
        return ids if self.answers is None else self.answers


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def leases(queue, clock):
    return Leases(queue, monotonic=clock)


async def test_a_young_lease_is_left_alone(leases, queue):
    leases.hold([Message(1)], 0.0)
    await leases.renew()

    assert queue.renewed == []


async def test_all_old_leases_of_a_lane_are_lengthened_at_once(leases, queue, clock):
    leases.hold([Message(1), Message(2)], 0.0)
    clock.now_s = RENEW_S
    await leases.renew()

    assert queue.renewed == [{1, 2}]


async def test_a_lengthened_lease_lasts_from_then_on(leases, clock):
    message = Message(1)
    leases.hold([message], 0.0)
    clock.now_s = RENEW_S
    await leases.renew()
    clock.now_s = LEASE_S

    assert not leases.is_short(message)


@pytest.mark.parametrize("answer", [set(), psycopg.OperationalError()], ids=["not_ours", "no_database"])
async def test_a_lease_that_was_not_lengthened_ends(leases, queue, clock, answer):
    message = Message(1)
    leases.hold([message], 0.0)
    queue.answers = answer
    clock.now_s = LEASE_S - MARGIN_S + 1
    await leases.renew()

    assert leases.is_short(message)


async def test_what_is_out_of_hand_is_not_lengthened(leases, queue, clock):
    message = Message(1)
    leases.hold([message], 0.0)
    leases.let_go(message)
    clock.now_s = RENEW_S
    await leases.renew()

    assert queue.renewed == []


def test_an_earlier_claim_does_not_let_go_of_a_later_one(leases):
    earlier, later = Message(1, read_ct=1), Message(1, read_ct=2)
    leases.hold([earlier], 0.0)
    leases.hold([later], 0.0)
    leases.let_go(earlier)

    assert not leases.is_short(later)

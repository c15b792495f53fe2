"""Suspects go before everything else, each alone; only one that was alone is noted, and so can be blamed."""

import asyncio
from datetime import UTC, datetime

import pytest

from pideai_host.events.suspects import Suspects

NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Message:
    lane = "pideai_probe"

    def __init__(self, msg_id):
        self.msg_id = msg_id


class Queue:
    def __init__(self):
        self.begun = []

    async def begin(self, claimed, *, at, worker, is_noted):
        self.begun.append((claimed.msg_id, is_noted))
        return False


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def suspects(queue):
    return Suspects(queue, now=lambda: NOW, worker="w", drain_s=0.01)


async def turns(count=3):
    for _ in range(count):
        await asyncio.sleep(0)


async def test_others_wait_until_no_suspect_is_in_hand(suspects):
    one, two = Message(1), Message(2)
    suspects.take([one, two])
    waiting = asyncio.create_task(suspects.wait_until_gone())
    suspects.let_go(one)
    await turns()
    after_the_first = waiting.done()
    suspects.let_go(two)
    await turns()

    assert (after_the_first, waiting.done()) == (False, True)


async def test_others_that_wait_are_passed_by_suspects_that_come_later(suspects):
    one, two = Message(1), Message(2)
    suspects.take([one])
    waiting = asyncio.create_task(suspects.wait_until_gone())
    await turns()
    suspects.let_go(one)
    suspects.take([two])
    await turns()
    waited = not waiting.done()
    suspects.let_go(two)
    await waiting

    assert waited


async def test_where_there_is_no_suspect_nobody_waits(suspects):
    suspects.let_go(Message(1))
    await suspects.wait_until_gone()

    assert not suspects.are_in_hand


async def test_a_suspect_waits_for_the_calls_that_run(suspects):
    suspects.other_begins()

    async def end():
        await turns()
        suspects.other_ended()

    ending = asyncio.create_task(end())
    async with suspects.alone() as is_alone:
        assert ending.done()

    assert is_alone


async def test_a_suspect_in_the_company_of_a_slow_call_says_so(suspects):
    suspects.other_begins()
    async with suspects.alone() as is_alone:
        pass

    assert not is_alone


async def test_two_suspects_are_never_called_at_once(suspects):
    running, most = 0, 0

    async def call():
        nonlocal running, most
        async with suspects.alone():
            running += 1
            most = max(most, running)
            await turns()
            running -= 1

    await asyncio.gather(call(), call(), call())

    assert most == 1


async def test_none_is_called_before_all_in_hand_are_looked_at(suspects):
    one, two = Message(1), Message(2)
    suspects.take([one, two])
    suspects.is_known(one)
    called = asyncio.Event()

    async def call():
        async with suspects.alone():
            called.set()

    calling = asyncio.create_task(call())
    await turns()
    before = called.is_set()
    suspects.let_go(two)
    await calling

    assert (before, called.is_set()) == (False, True)


async def test_it_is_told_whether_a_suspect_is_alone_when_it_is_noted(suspects, queue):
    await suspects.has_crashed(Message(1), begins_alone=True)
    await suspects.has_crashed(Message(2), begins_alone=False)

    assert queue.begun == [(1, True), (2, False)]

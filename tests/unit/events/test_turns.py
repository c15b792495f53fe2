"""One store's calls take turns, and calls that hang hold up nobody else."""

import asyncio
from uuid import UUID

import pytest

from pideai_host.events import turns as module
from pideai_host.events.turns import SLOW_S, Turns

ONE, OTHER = UUID(int=1), UUID(int=2)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def turns(clock):
    return Turns(monotonic=clock)


def test_a_store_has_so_many_places_and_no_more(turns):
    taken = [turns.take(ONE, 2) for _ in range(3)]

    assert [ticket is not None for ticket in taken] == [True, True, False]


def test_other_stores_have_places_of_their_own(turns):
    turns.take(ONE, 1)

    assert turns.take(OTHER, 1) is not None


def test_a_place_given_back_can_be_taken_again(turns):
    turns.give_back(ONE, turns.take(ONE, 1))

    assert turns.take(ONE, 1) is not None


async def test_who_waits_longest_is_next(turns):
    ticket, order = turns.take(ONE, 1), []

    async def call(name):
        mine = await turns.wait(ONE, 1)
        order.append(name)
        turns.give_back(ONE, mine)

    calls = [asyncio.create_task(turns_call) for turns_call in (call("first"),)]
    await asyncio.sleep(0)
    turns.give_back(ONE, ticket)
    await asyncio.gather(*calls, call("second"))

    assert order == ["first", "second"]


async def test_nobody_waits_for_a_place_whose_call_is_slow(turns, clock):
    turns.take(ONE, 1)
    clock.now_s = SLOW_S + 1

    assert await turns.wait(ONE, 1) is None


async def test_nobody_waits_for_a_place_that_will_not_come_soon(turns, clock):
    held = [turns.take(ONE, 2), turns.take(ONE, 2)]
    for _ in range(100):  # calls that take two seconds, so that each of two places is free every two seconds
        clock.now_s += SLOW_S
        turns.give_back(ONE, held.pop(0))
        held.append(turns.take(ONE, 2))
    waiting = asyncio.create_task(turns.wait(ONE, 2))
    await asyncio.sleep(0)
    second = await turns.wait(ONE, 2)
    turns.give_back(ONE, held[0])

    assert (second, await waiting is not None) == (None, True)


async def test_many_wait_where_calls_are_fast(turns):
    ticket = turns.take(ONE, 1)
    waiting = [asyncio.create_task(turns.wait(ONE, 1)) for _ in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        turns.give_back(ONE, ticket)
        ticket = await task

    assert ticket is not None


async def test_who_has_waited_in_vain_comes_back_later(turns, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    turns.take(ONE, 1)

    assert await turns.wait(ONE, 1) is None


async def test_a_place_that_comes_with_a_cancellation_goes_to_the_next(turns):
    ticket = turns.take(ONE, 1)
    waiting = asyncio.create_task(turns.wait(ONE, 1))
    await asyncio.sleep(0)
    turns.give_back(ONE, ticket)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert turns.take(ONE, 1) is not None


def test_nothing_is_kept_of_who_has_no_place(turns):
    turns.give_back(ONE, turns.take(ONE, 1))

    assert not turns._places

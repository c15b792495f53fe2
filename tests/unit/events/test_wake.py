"""New work is told at once, and then no more often than needed."""

import asyncio
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from pideai_host.events import changed, wake
from pideai_host.events.changed import ChangedStores
from pideai_host.events.wake import Notifier


class Pool:
    """Notes what is sent."""

    def __init__(self):
        self.sent = asyncio.Queue()

    @asynccontextmanager
    async def connection(self):
        yield self

    async def execute(self, statement, parameters):
        for payload in parameters["payloads"]:
            self.sent.put_nowait(payload)


@pytest.fixture
def pool():
    return Pool()


async def test_the_first_word_waits_for_nothing(pool):
    notifier = Notifier(pool, first_s=3_600.0, coalesce_s=3_600.0)
    notifier.lanes({"a"})
    first = await pool.sent.get()
    notifier._task.cancel()

    assert first == "a"


async def test_what_comes_meanwhile_goes_together(pool):
    notifier = Notifier(pool, first_s=0.01, coalesce_s=0.01)
    notifier.lanes({"a"})
    first = await pool.sent.get()
    for lane in ("c", "b", "c"):
        notifier.lanes({lane})
    await notifier.stop()

    assert (first, pool.sent.get_nowait(), pool.sent.empty()) == ("a", "b,c", True)


async def test_words_without_end_are_said_less_and_less_often(pool, monkeypatch):
    notifier = Notifier(pool, first_s=1.0, coalesce_s=5.0)
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) < 5:
            notifier.lanes({"a"})

    monkeypatch.setattr(wake.asyncio, "sleep", sleep)
    notifier.lanes({"a"})
    await notifier.stop()
    assert pauses == [1.0, 2.0, 4.0, 5.0, 5.0]


async def test_after_a_silence_words_are_said_soon_again(pool, monkeypatch):
    notifier = Notifier(pool, first_s=1.0, coalesce_s=5.0)
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(wake.asyncio, "sleep", sleep)
    for _ in range(2):
        notifier.lanes({"a"})
        await notifier.stop()
    assert pauses == [1.0, 1.0]


async def test_the_own_process_is_told_without_the_database(pool):
    heard = []
    notifier = Notifier(pool)
    notifier.tell(heard.append)
    notifier.lanes({"a"})
    await notifier.stop()

    assert heard == [{"a"}]


async def test_a_word_of_changed_stores_is_their_ids_and_nothing_else(pool, monkeypatch):
    monkeypatch.setattr(changed, "COALESCE_S", 0.0)
    told = ChangedStores(pool)
    told.tell({UUID(int=2), UUID(int=1)})
    told.tell({UUID(int=1)})
    await told.stop()

    assert (pool.sent.get_nowait(), pool.sent.empty()) == (f"{UUID(int=1)},{UUID(int=2)}", True)

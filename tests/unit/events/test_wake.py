"""New work is told at once, and then no more often than needed."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from pideai_host.events import wake
from pideai_host.events.wake import Notifier


class Pool:
    """Notes what is sent."""

    def __init__(self):
        self.sent = asyncio.Queue()

    @asynccontextmanager
    async def connection(self):
        yield self

    async def execute(self, statement, parameters):
        self.sent.put_nowait(parameters[1])


@pytest.fixture
def pool():
    return Pool()


async def test_the_first_word_waits_for_nothing(pool, monkeypatch):
    monkeypatch.setattr(wake, "COALESCE_S", 3_600.0)
    notifier = Notifier(pool)
    notifier.lanes({"a"})
    first = await pool.sent.get()
    notifier._task.cancel()

    assert first == "a"


async def test_what_comes_meanwhile_goes_together(pool, monkeypatch):
    monkeypatch.setattr(wake, "COALESCE_S", 0.01)
    notifier = Notifier(pool)
    notifier.lanes({"a"})
    first = await pool.sent.get()
    for lane in ("c", "b", "c"):
        notifier.lanes({lane})
    await notifier.stop()

    assert (first, pool.sent.get_nowait(), pool.sent.empty()) == ("a", "b,c", True)


async def test_the_own_process_is_told_without_the_database(pool):
    heard = []
    notifier = Notifier(pool)
    notifier.tell(heard.append)
    notifier.lanes({"a"})
    await notifier.stop()

    assert heard == [{"a"}]

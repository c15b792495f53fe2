"""A demo that keeps the host up stays for as long as the host does."""

import asyncio

import pytest

from pideai_host.demo.processes import ChildFailed, HostProcess
from pideai_host.demo.run import until_over


class Gone:
    """A process that has ended."""

    def __init__(self):
        self.was_asked = False

    async def ended(self):
        return None

    def require_alive(self):
        self.was_asked = True


async def test_a_host_that_ends_by_itself_ends_the_demo_with_its_last_words(tmp_path):
    async with HostProcess("nonsense", environ={}, log=tmp_path / "serve.log") as broken:
        with pytest.raises(ChildFailed, match=r"`pideai-host nonsense` ended early: .*No such command"):
            await until_over(asyncio.Event(), [broken])


@pytest.mark.parametrize("is_stopped", [True, False])
async def test_a_user_who_stops_the_demo_is_not_told_of_processes_that_ended_meanwhile(is_stopped):
    stopped, process = asyncio.Event(), Gone()
    if is_stopped:
        stopped.set()

    await until_over(stopped, [process])

    assert process.was_asked is not is_stopped

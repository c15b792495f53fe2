"""A change that meets a worker's batch in a deadlock is written again, but not for ever."""

from contextlib import asynccontextmanager

import pytest
from psycopg.errors import DeadlockDetected

from pideai_host.stores.writes import _WRITES_MAX, _write


class Connection:
    """Counts transactions."""

    def __init__(self) -> None:
        self.transactions = 0

    @asynccontextmanager
    async def transaction(self):
        self.transactions += 1
        yield


async def test_a_deadlock_is_tried_again_in_a_transaction_of_its_own():
    connection = Connection()

    async def work() -> str:
        if connection.transactions < _WRITES_MAX:
            raise DeadlockDetected
        return "written"

    assert await _write(connection, work) == "written"
    assert connection.transactions == _WRITES_MAX


async def test_a_deadlock_that_does_not_end_is_raised():
    connection = Connection()

    async def work() -> None:
        raise DeadlockDetected

    with pytest.raises(DeadlockDetected):
        await _write(connection, work)
    assert connection.transactions == _WRITES_MAX

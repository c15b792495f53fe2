"""The bare way in: Litestar on granian, requests that wait together share one statement and one commit.

Run as a process of its own: `python -m benchmarks.bare.intake PORT`, with BARE_DATABASE_URL and BARE_SECRET set.
"""

import asyncio
import hmac
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from litestar import Litestar, Request, post
from litestar.response.base import ASGIResponse
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from pideai_host.db.sql import load, query

BATCH_MAX: Final = 64
WRITERS: Final = 2
_INTAKE: Final = query(load("benchmarks", "sql/bare_intake.sql"))
_SECRET: Final = os.environ.get("BARE_SECRET", "").encode()
_TYPES: Final = {"INSERT": "order.created", "UPDATE": "order.updated"}


class Change(msgspec.Struct):
    """A row change."""

    type: str
    table: str
    record: msgspec.Raw


class Record(msgspec.Struct):
    """What is asked of the row."""

    store_id: UUID


_change: Final = msgspec.json.Decoder(Change).decode
_record: Final = msgspec.json.Decoder(Record).decode
_encode: Final = msgspec.json.Encoder().encode


class Row(msgspec.Struct):
    """An event on its way in."""

    id: UUID
    store_id: UUID
    type: str
    payload: msgspec.Raw


class Writers:
    """Whatever comes while a statement runs goes into the next one."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Row, asyncio.Future[None]]] = deque()
        self._wake = asyncio.Event()

    async def put(self, row: Row) -> None:
        """Return once the row is committed."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        self._wake.set()
        await done

    async def run(self, connection: AsyncConnection[TupleRow]) -> None:
        """Write on a connection until cancelled."""
        while True:
            await self._wake.wait()
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            if not self._waiting:
                self._wake.clear()
            if not batch:
                continue
            rows = _encode([row for row, _ in batch]).decode()
            await connection.execute(_INTAKE, {"rows": rows})
            for _, done in batch:
                done.set_result(None)


@post("/webhooks/supabase", status_code=202)
async def accept(request: Request[Any, Any, Any]) -> ASGIResponse:
    """Answer after the commit."""
    if not hmac.compare_digest(request.headers.get("x-pideai-webhook-secret", "").encode(), _SECRET):
        return ASGIResponse(status_code=401)
    try:
        change = _change(await request.body())
        row = Row(uuid4(), _record(change.record).store_id, _TYPES[change.type], change.record)
    except (msgspec.MsgspecError, KeyError):
        return ASGIResponse(status_code=400)
    await request.app.state.writers.put(row)
    return ASGIResponse(body=_encode({"event_ids": [row.id]}), status_code=202, media_type="application/json")


@asynccontextmanager
async def _writing(app: Litestar) -> AsyncIterator[None]:
    app.state.writers = Writers()
    url = os.environ["BARE_DATABASE_URL"]
    connections = [await AsyncConnection.connect(url, autocommit=True) for _ in range(WRITERS)]
    tasks = [asyncio.create_task(app.state.writers.run(connection)) for connection in connections]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for connection in connections:
        await connection.close()


def create_app() -> Litestar:
    """Build the application; granian imports it by name."""
    return Litestar([accept], lifespan=[_writing], openapi_config=None, logging_config=None)


def main() -> None:
    """Serve until SIGTERM."""
    Granian(
        "benchmarks.bare.intake:create_app",
        factory=True,
        address="127.0.0.1",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=1,
        websockets=False,
        log_level=LogLevels.warning,
    ).serve()


if __name__ == "__main__":
    main()

"""The bare way out: claim a batch, POST it signed, settle it in one statement.

Run as a process of its own: `python -m benchmarks.bare.delivery`, with BARE_DATABASE_URL, BARE_HOOK_URL and BARE_SECRET
(``whsec_…``) set. What is not answered 2xx stays in the queue and comes back when its lease of a minute ends.
"""

import asyncio
import base64
import hmac
import os
import time
from typing import Final, NamedTuple

import aiohttp
import msgspec
import uvloop
from psycopg import AsyncConnection
from psycopg.rows import TupleRow, args_row

from pideai_host.db.sql import load, query

BATCH_MAX: Final = 100
LOOPS: Final = 4
IDLE_S: Final = 0.1
TIMEOUT_S: Final = 15.0
_CLAIM: Final = query(load("benchmarks", "sql/bare_claim.sql"))
_encode: Final = msgspec.json.Encoder().encode
_SETTLE: Final = query(load("benchmarks", "sql/bare_settle.sql"))


class Message(NamedTuple):
    """A claimed message with its event."""

    msg_id: int
    delivery_id: str
    event_id: str
    type: str
    payload: str


class Receiver(NamedTuple):
    """Where to, and by which key."""

    http: aiohttp.ClientSession
    url: str
    key: bytes


def key_of(secret: str) -> bytes:
    """Return the key of a signing secret."""
    return base64.b64decode(secret.removeprefix("whsec_"))


async def post(receiver: Receiver, message: Message) -> int:
    """POST one event, signed; returns the answer's status, 0 without one."""
    body = f'{{"type":"{message.type}","id":"{message.event_id}","data":{message.payload}}}'.encode()
    now = str(int(time.time()))
    digest = hmac.digest(receiver.key, f"{message.delivery_id}.{now}.".encode() + body, "sha256")
    headers = {
        "content-type": "application/json",
        "webhook-id": message.delivery_id,
        "webhook-timestamp": now,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    try:
        async with receiver.http.post(receiver.url, data=body, headers=headers) as answer:
            await answer.read()
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


async def deliver(connection: AsyncConnection[TupleRow], receiver: Receiver) -> None:
    """Claim, post and settle until cancelled."""
    async with connection.cursor(row_factory=args_row(Message)) as claim:
        while True:
            await claim.execute(_CLAIM, {"count": BATCH_MAX})
            batch = await claim.fetchall()
            if not batch:
                await asyncio.sleep(IDLE_S)
                continue
            codes = await asyncio.gather(*(post(receiver, message) for message in batch))
            results = [
                {"msg_id": message.msg_id, "id": message.delivery_id, "code": code}
                for message, code in zip(batch, codes, strict=True)
                if code // 100 == 2
            ]
            await connection.execute(_SETTLE, {"results": _encode(results).decode()})


async def main() -> None:
    """Run some loops side by side, so that none waits for another's database or receiver."""
    url = os.environ["BARE_DATABASE_URL"]
    key = key_of(os.environ["BARE_SECRET"])
    connections = [await AsyncConnection.connect(url, autocommit=True) for _ in range(LOOPS)]
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=BATCH_MAX * LOOPS), timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)
    ) as http:
        receiver = Receiver(http, os.environ["BARE_HOOK_URL"], key)
        await asyncio.gather(*(deliver(connection, receiver) for connection in connections))


if __name__ == "__main__":
    uvloop.run(main())

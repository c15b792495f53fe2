"""What the tests of faults may ask for; what it is made of lies in `rig`.

rig            Rig: a store whose webhook-bridge posts to `rig.receiver`, on a database of the session's server
durable_rig    the same on a server of its own, `rig.server`, that keeps what it committed through a crash
cramped_rig    the same on a disk of its own, `disk`, that can be filled up; skips where none can be mounted
until          waits for a condition
rounds         how often a test marked `long` repeats itself: in full with PIDEAI_TEST_LONG=1, shortened otherwise

What holds in all of these tests is `rig.log.require_balance`. A killed worker's messages come back when their leases
end, after a minute; `rig.log.end_leases` ends them at once, which may be done only while nobody holds one.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pideai_host.db.embedded import EmbeddedServer
from rig import Receiver, Rig, wait_until
from rig.rig import DISTS, open_rig
from rig.servers import SmallDisk, durable_server, small_disk


@pytest.fixture
def until():
    return wait_until


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    mark = request.node.get_closest_marker("long")
    found: int = mark.kwargs["rounds" if os.environ.get("PIDEAI_TEST_LONG") else "shortened"]
    return found


@pytest.fixture(autouse=True)
def _installed_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find the plugins that its children find."""
    monkeypatch.syspath_prepend(str(DISTS))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as opened:
        yield opened


@pytest.fixture
async def rig(database: Any, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(database.admin_url, database.runtime_url, receiver, tmp_path) as opened:
        yield opened


@pytest.fixture
def own_server(open_dir: Path) -> Iterator[EmbeddedServer]:
    with durable_server(open_dir / "data") as server:
        yield server


@pytest.fixture
async def durable_rig(own_server: EmbeddedServer, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Rig]:
    urls = own_server.urls
    async with open_rig(urls.admin, urls.runtime, receiver, tmp_path, own_server) as opened:
        yield opened


@pytest.fixture
def disk(open_dir: Path) -> Iterator[SmallDisk]:
    try:
        with small_disk(open_dir, mebibytes=160) as mounted:
            yield mounted
    except PermissionError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def cramped_server(disk: SmallDisk) -> Iterator[EmbeddedServer]:
    with durable_server(disk.folder / "data", min_wal_size="32MB", max_wal_size="64MB") as server:
        yield server


@pytest.fixture
async def cramped_rig(cramped_server: EmbeddedServer, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Rig]:
    urls = cramped_server.urls
    async with open_rig(urls.admin, urls.runtime, receiver, tmp_path, cramped_server) as opened:
        yield opened

"""PostgreSQL servers of a test's own, and a disk that is soon full."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from pideai_host.db.dev import apply_dev_base
from pideai_host.db.embedded import EmbeddedServer
from pideai_host.db.embedded.server import ensure_runtime_login
from pideai_host.db.migrate import migrate
from pideai_host.plugins.migrating import migrate_plugins
from pideai_host.plugins.registry import load_registry


@contextmanager
def durable_server(folder: Path, **options: str) -> Iterator[EmbeddedServer]:
    """Run a server that keeps its promises when it crashes; only a power cut could take something from it."""
    with EmbeddedServer(folder, options={"fsync": "off", **options}) as server:
        asyncio.run(_apply(server.urls.admin))
        migrate(server.urls.admin, install_pgmq=True)
        ensure_runtime_login(server.urls.admin)
        migrate_plugins(server.urls.admin, load_registry(frozenset({"whatsapp", "webhook-bridge"})))
        yield server


async def _apply(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await apply_dev_base(connection)


class SmallDisk:
    """A disk of its own, in memory; made by `small_disk`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("ab", buffering=0) as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(1 << 16))

    def make_room(self) -> None:
        """Take away what fills it."""
        self._ballast.unlink()


@contextmanager
def small_disk(folder: Path, *, mebibytes: int) -> Iterator[SmallDisk]:
    """Mount a small disk for as long as the block runs.

    Raises:
        PermissionError: this user or container may not.
    """
    if os.geteuid() != 0:
        raise PermissionError("only root may mount a disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=711", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PermissionError(f"a disk cannot be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)

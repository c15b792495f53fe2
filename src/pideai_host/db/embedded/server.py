"""The embedded server as its users see it: start, stop, wipe, and sharing between processes.

Whoever uses a data folder holds a shared lock on `host.lock` in it for as long as it does; the kernel lets go of it
when a process dies, however it dies. Starting, stopping and wiping take turns on `turn.lock`. So the last one out
stops the server, and whoever finds a server that nobody holds knows it for the orphan of a kill -9.
"""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import errors

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db.embedded import binaries
from pideai_host.db.embedded.account import Account, run_as, server_account
from pideai_host.db.embedded.cluster import Cluster, Running, socket_url
from pideai_host.db.sql import query
from pideai_host.settings import datafolder

DATABASE = "pideai"
OWNER_ROLE = "postgres"
RUNTIME_ROLE = "pideai_host"


class ServerUrls(NamedTuple):
    """Where the database is: as its owner, and as the role that the host works as (see `ensure_runtime_login`)."""

    admin: str
    runtime: str


class EmbeddedServer:
    """A PostgreSQL server in a folder of ours; all methods block.

    Durable: fsync is on, and a kill -9 or a power cut costs nothing that was committed. Safe to use from several
    processes at once. As root the server runs as user postgres or nobody.

    Args:
        data_dir: The folder that holds everything of ours; made if absent.
        bin_dir: Programs of another PostgreSQL 15 to 18, by default the wheel's; each major version has its own data.
        options: Settings of postgresql.conf that override ours; only the process that starts the server is heard.
    """

    def __init__(
        self, data_dir: Path, *, bin_dir: Path | None = None, options: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._bin_dir = bin_dir
        self._options = options
        self._presence: int | None = None
        self._urls: ServerUrls | None = None

    @property
    def urls(self) -> ServerUrls:
        """The URLs while started.

        Raises:
            DatabaseUnavailable: not started.
        """
        if self._urls is None:
            raise DatabaseUnavailable("the embedded PostgreSQL is not started")
        return self._urls

    def start(self) -> ServerUrls:
        """Start the server, or join the one that another host has started on this folder; harmless to repeat.

        An orphan that a killed host left behind is stopped first. Makes data and database where there are none.

        Raises:
            ConfigurationError: the folder, the programs or the user to run as cannot be used.
            DatabaseUnavailable: the server did not start in time; the message ends with its last words.
        """
        if self._urls is not None:
            return self._urls
        datafolder.claim(self._data_dir)
        with self._turn():
            presence = self._open_lock("host.lock")
            try:
                running = self._running(self._cluster(), alone=_lock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB))
                fcntl.flock(presence, fcntl.LOCK_SH)
                self._urls = _prepare(running)
            except BaseException:  # Ctrl-C while it starts must not leave it locked
                os.close(presence)
                raise
            self._presence = presence
        return self._urls

    def stop(self) -> None:
        """Leave the server, and stop it if nobody else uses it; harmless to repeat.

        Raises:
            DatabaseUnavailable: it cannot be stopped.
        """
        if self._presence is None:
            return
        presence, self._presence, self._urls = self._presence, None, None
        try:
            with self._turn():
                if _lock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    self._stop_if_running(self._cluster())
        finally:
            os.close(presence)

    def wipe(self) -> None:
        """Remove what this class keeps in the folder (data, log, copied programs), orphans stopped first.

        Keys and whatever else lies there stay. Nothing happens if the folder does not exist.

        Raises:
            ConfigurationError: the folder lacks our marker, or another host uses it.
            DatabaseUnavailable: an orphan cannot be stopped.
        """
        if not self._data_dir.exists():
            return
        datafolder.require_ours(self._data_dir)
        with self._turn():
            presence = self._open_lock("host.lock")
            try:
                if self._presence is not None or not _lock(presence, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    raise ConfigurationError(f"{self._data_dir} is in use by a running host", hint="Stop it first.")
                self._stop_if_running(self._cluster())
                for entry in (*self._data_dir.glob("pg[0-9]*"), self._data_dir / "run", self._data_dir / "runtime"):
                    with suppress(NotADirectoryError):  # a log
                        shutil.rmtree(entry, ignore_errors=not entry.exists())
                    entry.unlink(missing_ok=True)
            finally:
                os.close(presence)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _cluster(self) -> Cluster:
        programs = self._bin_dir or binaries.wheel_programs()
        major = binaries.major_version(programs)
        pgdata = self._data_dir / f"pg{major}"
        account = server_account(pgdata)
        _require_reachable(self._data_dir, account)
        return Cluster(
            programs=binaries.executable_by(account, programs, runtime=self._data_dir / "runtime"),
            major=major,
            pgdata=pgdata,
            account=account,
            socket_dir=self._data_dir / "run",
            log=self._data_dir / f"pg{major}.log",
            options=self._options,
        )

    @staticmethod
    def _running(cluster: Cluster, *, alone: bool) -> Running:
        running = cluster.find()
        if running and not alone:
            return running
        if running:
            cluster.stop()
        cluster.create()
        return cluster.start()

    @staticmethod
    def _stop_if_running(cluster: Cluster) -> None:
        if cluster.find():
            cluster.stop()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        turn = self._open_lock("turn.lock")
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            yield
        finally:
            os.close(turn)

    def _open_lock(self, name: str) -> int:
        try:
            return os.open(self._data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"cannot write to the data folder {self._data_dir}: {error.strerror}") from error


def ensure_runtime_login(admin_url: str) -> None:
    """Let the runtime role log in; the migrations, which make it, leave that to whoever sets its password."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(query(f"alter role {RUNTIME_ROLE} login"))


def _lock(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation)
    except BlockingIOError:
        return False
    return True


def _prepare(running: Running) -> ServerUrls:
    """Make sure that our database exists, and tell where it is."""
    maintenance = socket_url(running.socket_dir, user=OWNER_ROLE, database="postgres")
    try:
        with psycopg.connect(maintenance, autocommit=True, connect_timeout=10) as connection:
            _create_database(connection)
    except psycopg.Error as error:
        raise DatabaseUnavailable(f"the embedded PostgreSQL does not answer: {str(error).splitlines()[0]}") from error
    return ServerUrls(
        admin=socket_url(running.socket_dir, user=OWNER_ROLE, database=DATABASE),
        runtime=socket_url(running.socket_dir, user=RUNTIME_ROLE, database=DATABASE),
    )


def _create_database(connection: psycopg.Connection[Any]) -> None:
    with suppress(errors.DuplicateDatabase):
        connection.execute(query(f"create database {DATABASE}"))


def _require_reachable(folder: Path, account: Account | None) -> None:
    """See that the account can enter the folder; the folders above it are not ours to open."""
    entered = run_as(
        account, ["/bin/sh", "-c", 'cd -- "$0"', folder], environment={}, output=subprocess.DEVNULL, timeout_s=10
    )
    if entered.returncode == 0 or account is None:
        return
    raise ConfigurationError(
        f"PostgreSQL does not run as root, and user {account.name}, who runs it instead, cannot enter {folder}",
        hint="Set PIDEAI_DATA_DIR to a folder below ones that everybody may enter, such as /var/lib/pideai-host.",
    )

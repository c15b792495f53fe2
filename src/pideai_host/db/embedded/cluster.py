"""One data directory of PostgreSQL: making it, starting, stopping and finding its server. Knows nothing of sharing."""

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psycopg

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db.embedded.account import Account, run_as

_START_LIMIT_S = 20
_FAST_STOP_LIMIT_S = 15
_HARD_STOP_LIMIT_S = 10
_SOCKET_PATH_LIMIT = 100  # bytes; the kernel takes 107 with the file's name in it
_BUILTIN_LOCALE_SINCE = 17
_SHORT_PREFIX = "pideai-host-"
_PORT = 5432  # only names the socket file: nothing listens on the network


class Running(NamedTuple):
    """A server that was found: where its socket lies, and whether it answers there."""

    socket_dir: str
    answers: bool


class Cluster(NamedTuple):
    """A data directory and how to run it; all methods block, none knows who else uses it.

    Attributes:
        pgdata: The data directory, made by `create`.
        account: As whom the server runs, None for ourselves.
        socket_dir: Where the socket goes if its path is short enough.
        log: The server's log since its last start.
        options: Settings of postgresql.conf that override ours.
    """

    programs: Path
    major: int
    pgdata: Path
    account: Account | None
    socket_dir: Path
    log: Path
    options: Mapping[str, str]

    def create(self) -> None:
        """Make the data directory unless it exists; a half-made one of an earlier try is thrown away.

        Raises:
            DatabaseUnavailable: initdb failed; says with what words.
        """
        fresh = self.pgdata.with_name(f"{self.pgdata.name}.new")
        if self.pgdata.exists():
            return
        shutil.rmtree(fresh, ignore_errors=True)
        self._own_folder(fresh)
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            if self.major >= _BUILTIN_LOCALE_SINCE
            else ["--locale=C.UTF-8"]
        )
        durability = ["--no-sync"] if self.options.get("fsync") == "off" else []
        self._run(
            [
                "initdb",
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-instructions",
                *locale,
                *durability,
            ],
            fresh,
            fault="the embedded PostgreSQL could not make its data",
            timeout_s=60,
        )
        fresh.rename(self.pgdata)

    def start(self) -> Running:
        """Start the server and wait until it takes connections; the caller knows that none runs.

        Raises:
            DatabaseUnavailable: it did not within 20 seconds; nothing is left running.
        """
        self._forget_dead_server()
        socket_dir = self._usable_socket_dir()
        settings = {
            "listen_addresses": "",
            "port": str(_PORT),
            "unix_socket_directories": f'"{socket_dir}"',
            "unix_socket_permissions": "0700",
            "max_connections": "150",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
            **self.options,
        }
        options = " ".join(shlex.quote(f"--{name}={value}") for name, value in settings.items())
        try:
            self._run(
                ["pg_ctl", "start", "--wait", f"--timeout={_START_LIMIT_S}", "--options", options],
                self.pgdata,
                fault="the embedded PostgreSQL did not start",
                timeout_s=_START_LIMIT_S + 10,
            )
        except DatabaseUnavailable:
            with suppress(DatabaseUnavailable):
                self._stop("immediate", _HARD_STOP_LIMIT_S)
            raise
        return Running(socket_dir, answers=True)

    def stop(self) -> None:
        """Stop the server: sessions are ended and all is written down; by force if that takes over 15 seconds.

        Raises:
            DatabaseUnavailable: it cannot be stopped.
        """
        running = self.find()
        try:
            self._stop("fast", _FAST_STOP_LIMIT_S)
        except DatabaseUnavailable:
            self._stop("immediate", _HARD_STOP_LIMIT_S)
        if running:
            _remove_short(Path(running.socket_dir))

    def find(self) -> Running | None:
        """Find the server that runs on this data directory, whoever started it.

        A left-over pid file is not believed, since the number may be another process by now: it must be a process
        that works in this directory, or answer on the socket named there (a server in another container does).
        """
        try:
            told = (self.pgdata / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        if len(told) < 5 or not told[4]:  # noqa: PLR2004 - the fifth line is the socket's folder, written last of these
            return None
        answers = _answers(told[4])
        return Running(told[4], answers) if answers or _works_in(told[0], self.pgdata) else None

    def _stop(self, mode: str, limit_s: int) -> None:
        self._run(
            ["pg_ctl", "stop", "--wait", f"--mode={mode}", f"--timeout={limit_s}"],
            self.pgdata,
            fault="the embedded PostgreSQL did not stop",
            timeout_s=limit_s + 10,
        )

    def _run(self, command: list[str], pgdata: Path, *, fault: str, timeout_s: float) -> None:
        # pg_ctl hands `-D` and `-l` to a shell, so paths go by environment and by an open file instead
        with self.log.open("ab" if command[1:2] == ["stop"] else "wb") as log:
            try:
                done = run_as(
                    self.account,
                    [self.programs / command[0], *command[1:]],
                    environment={"PGDATA": str(pgdata)},
                    output=log,
                    timeout_s=timeout_s,
                ).returncode
            except subprocess.TimeoutExpired:
                done = -1
        if done != 0:
            raise DatabaseUnavailable(f"{fault}: {self._last_words()}", hint=f"The whole log is {self.log}.")

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()
        telling = [line for line in lines if "FATAL" in line or "error:" in line.lower()] or lines
        return " | ".join(line.strip() for line in telling[-3:] if line.strip())[:400]

    def _usable_socket_dir(self) -> str:
        path = str(self.socket_dir)
        if len(os.fsencode(path)) < _SOCKET_PATH_LIMIT and not set(path) & set('",'):
            self._own_folder(self.socket_dir)
            return path
        short = Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX))
        self._own_folder(short)
        return str(short)

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that a power cut or the end of a container took away.

        PostgreSQL refuses to start while the number in it lives, be it another program by now. Only where /proc shows
        that no process at all works in this directory.
        """
        processes = [entry for entry in Path("/proc").glob("[0-9]*") if entry.name.isdigit()]
        if processes and not any(_works_in(entry.name, self.pgdata) for entry in processes):
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)

    def _own_folder(self, folder: Path) -> None:
        """Make a folder for the server alone: its socket asks for no password."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account is not None:
            os.chown(folder, self.account.uid, self.account.gid)
        if self.account is None and folder.stat().st_uid != os.geteuid():
            raise ConfigurationError(f"{folder} belongs to another user", hint="Run as that user, or move it away.")


def socket_url(socket_dir: str, *, user: str, database: str) -> str:
    """Build the URL of a database behind the socket."""
    return f"postgresql://{user}@/{database}?host={quote(socket_dir, safe='')}"


def _remove_short(socket_dir: Path) -> None:
    """Remove a socket folder of `mkdtemp`; the server's account can write the pid file that names it, so look twice."""
    if socket_dir.parent == Path(tempfile.gettempdir()) and socket_dir.name.startswith(_SHORT_PREFIX):
        shutil.rmtree(socket_dir, ignore_errors=True)


def _answers(socket_dir: str) -> bool:
    try:
        psycopg.connect(host=socket_dir, port=_PORT, user="postgres", dbname="postgres", connect_timeout=3).close()
    except psycopg.Error:
        return False
    return True


def _works_in(pid: str, pgdata: Path) -> bool:
    try:
        return Path(f"/proc/{int(pid)}/cwd").samefile(pgdata)
    except (OSError, ValueError):
        return False

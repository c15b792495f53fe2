"""Which statements a stretch of work ran, how often and for how long, read from PostgreSQL's own log.

The embedded server comes without pg_stat_statements, and every server has a log. Writing it takes time, so nothing else
is measured meanwhile.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from benchmarks.places import APPLICATION
from pideai_host.db.sql import query

SETTINGS: Final = {
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "0",
    "log_line_prefix": "%d\t%a\t",
}
_FLUSH_S: Final = 0.3
_ENTRY: Final = re.compile(
    r"(?P<database>[^\t\n]*)\t(?P<who>[^\t\n]*)\tLOG:  duration: (?P<ms>[\d.]+) ms  "
    r"(?P<step>parse|bind|execute|statement)[^:]*: (?P<text>.*)"
)
_UNNAMED_CHARS: Final = 40


class Statement(msgspec.Struct):
    """One statement in all its runs.

    Attributes:
        calls: Executions.
        ms: From its arrival to its answer in all of them, parsing and binding and waits included.
    """

    calls: float = 0
    ms: float = 0.0


class Log:
    """What the server wrote from some moment on."""

    def __init__(self, path: Path, start: int) -> None:
        self._path = path
        self._start = start

    async def statements(self, database: str) -> dict[str, Statement]:
        """Return by name what one database was asked since."""
        await asyncio.sleep(_FLUSH_S)  # backends write it when they are done, after the client has its answer
        return await asyncio.to_thread(self._read, database)

    def _read(self, database: str) -> dict[str, Statement]:
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            lines.seek(self._start)
            return count(lines, database, known())


@asynccontextmanager
async def logged(connection: AsyncConnection[TupleRow], path: Path) -> AsyncIterator[Log]:
    """Have every statement of the server logged for as long as the block runs.

    Args:
        connection: The owner's, to any of its databases, autocommit.
        path: The server's log.
    """
    for name, value in SETTINGS.items():
        await connection.execute(query(f"alter system set {name} = '{value}'"))
    await _reload(connection)
    try:
        yield Log(path, (await asyncio.to_thread(path.stat)).st_size)
    finally:
        for name in SETTINGS:
            await connection.execute(query(f"alter system reset {name}"))
        await _reload(connection)


async def _reload(connection: AsyncConnection[TupleRow]) -> None:
    await connection.execute("select pg_reload_conf()")
    await asyncio.sleep(_FLUSH_S)  # each backend reads it before its next statement


def count(lines: Iterable[str], database: str, names: dict[str, str]) -> dict[str, Statement]:
    """Count a log's statements but our own; one that is in no .sql file goes by its first words."""
    found: dict[str, Statement] = defaultdict(Statement)
    for line in lines:
        entry = _ENTRY.match(line)
        if entry is None or entry["database"] != database or entry["who"] == APPLICATION:
            continue
        text = entry["text"].strip()
        one = found[names.get(text, text[:_UNNAMED_CHARS])]
        one.calls += entry["step"] in ("execute", "statement")
        one.ms += float(entry["ms"])
    return dict(found)


def known() -> dict[str, str]:
    """Return the names of the statements of the host and of the bare pipeline by their first lines."""
    return dict(_first_lines("pideai_host.events")) | dict(_first_lines("pideai_host.stores")) | _bare()


def _bare() -> dict[str, str]:
    return {line: name for line, name in _first_lines("benchmarks") if name.startswith("bare_")}


def _first_lines(package: str) -> Iterator[tuple[str, str]]:
    for entry in files(package).joinpath("sql").iterdir():
        if entry.name.endswith(".sql"):
            yield entry.read_text(encoding="utf-8").splitlines()[0].strip(), entry.name.removesuffix(".sql")

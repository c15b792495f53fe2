"""Looks over the shoulder of whatever runs in this process: each statement is explained before it is carried out.

What is explained is carried out for it, and taken back: the statement itself then finds everything as it was.
"""

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Self
from unittest.mock import patch

from psycopg import AsyncConnection, AsyncCursor, sql
from psycopg.rows import TupleRow, tuple_row

from benchmarks.explain.functions import Call, inner_statements
from benchmarks.explain.plans import Plan, pages, rows

LOOKS: Final = 6
"""Runs of a statement that are explained in each part of a tour; the one with most rows is kept."""

LABEL_CHARS: Final = 40

_TEXT: Final = sql.SQL("explain (analyze, buffers, costs off, timing off, summary off) ")
_JSON: Final = sql.SQL("explain (analyze, buffers, costs off, timing off, summary off, format json) ")

Statement = sql.SQL | sql.Composed | str
Values = Mapping[str, Any] | Sequence[Any] | None


class Watch:
    """The plans of what ran while it looked.

    Args:
        names: Of statements by their first line; others are let pass.
        functions: Of ours, by the name of the statement that calls them: what is inside is explained as well.
    """

    def __init__(self, names: Mapping[str, str], functions: Mapping[str, str]) -> None:
        self._names = names
        self._functions = functions
        self._looks: Counter[str] = Counter()
        self.plans: dict[str, Plan] = {}

    def begin_part(self) -> None:
        """Look again at statements that were looked at often enough in the part before."""
        self._looks.clear()

    @contextlib.contextmanager
    def looking(self) -> Iterator[Self]:
        """Look at every cursor of the process for as long as the block runs."""
        execute, watch = AsyncCursor.execute, self

        async def watched(
            self: AsyncCursor[Any], query: Statement, params: Values = None, **options: Any
        ) -> AsyncCursor[Any]:
            await watch.look(self.connection, query, params, execute)
            return await execute(self, query, params, **options)

        with patch.object(AsyncCursor, "execute", watched):
            yield self

    async def look(self, connection: AsyncConnection[Any], query: Statement, values: Values, execute: Any) -> None:
        """Explain a statement that has a name, unless that was done often enough."""
        text = query if isinstance(query, str) else query.as_string(connection)
        name = self._names.get(text.lstrip().split("\n", 1)[0].strip())
        if name is None or self._looks[name] >= LOOKS:
            return
        self._looks[name] += 1
        statement = sql.SQL(text)
        plan = await _explain(connection, statement, values, execute)
        if name not in self.plans or plan.rows >= self.plans[name].rows:
            self.plans[name] = plan
            if name in self._functions and isinstance(values, Mapping):
                await self._look_inside(connection, name, values, execute)

    async def _look_inside(
        self, connection: AsyncConnection[Any], name: str, values: Mapping[str, Any], execute: Any
    ) -> None:
        async with _undone(connection) as cursor:
            call = Call(self._functions[name], list(values.values()))
            async for label, statement, inner in inner_statements(cursor, execute, call):
                self.plans[f"{name}: {label[:LABEL_CHARS]}"] = await _explain(connection, statement, inner, execute)


async def _explain(connection: AsyncConnection[Any], statement: sql.SQL, values: Values, execute: Any) -> Plan:
    async with _undone(connection) as cursor:
        await execute(cursor, _JSON + statement, values)
        (row,) = await cursor.fetchall()
    async with _undone(connection) as cursor:
        await execute(cursor, _TEXT + statement, values)
        return Plan([line for (line,) in await cursor.fetchall()], rows(row[0]), pages(row[0]))


@asynccontextmanager
async def _undone(connection: AsyncConnection[Any]) -> AsyncIterator[AsyncCursor[TupleRow]]:
    """Lend a cursor in a transaction, or a part of the one that is open, of which nothing will stay."""
    async with connection.transaction(force_rollback=True), AsyncCursor(connection, row_factory=tuple_row) as cursor:
        yield cursor

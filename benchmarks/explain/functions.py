"""The statements inside a PL/pgSQL function, with what its variables hold at each.

EXPLAIN does not look into functions, and auto_explain, which does, does not come with every server. So the few forms
that ours are made of are carried out one after the other: `select … into …`, and `return query …`.
"""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple

from psycopg import AsyncCursor, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from pideai_host.db.sql import query

_SIGNATURE: Final = query(
    """select proargnames[1:pronargs], array(select format_type(t, null) from unnest(proargtypes) as t), prosrc,
      coalesce(proconfig, '{}')
    from pg_proc where oid = %(name)s::regproc"""
)
_BODY: Final = re.compile(
    r"\A(?:.*?\bdeclare\b(?P<variables>.*?))?\s*\bbegin\b(?P<body>.*)\bend\b\s*;?\s*\Z", re.DOTALL
)
_VARIABLE: Final = re.compile(r"^\s*(\w+)\s+([\w ]+(?:\[\])?)\s*$")
_INTO: Final = re.compile(r"\binto\s+(?P<names>\w+(?:\s*,\s*\w+)*)\s+(?=from\b)")
_RETURN: Final = re.compile(r"\Areturn\s+query\s+")


class Call(NamedTuple):
    """A function of ours and the values that it is called with, in order."""

    function: str
    values: Sequence[Any]


class Variable(NamedTuple):
    """A variable or argument."""

    type: str
    value: Any = None


async def inner_statements(
    cursor: AsyncCursor[TupleRow], execute: Any, call: Call
) -> AsyncIterator[tuple[str, sql.SQL, dict[str, Any]]]:
    """Carry a function out, a statement at a time.

    Yields:
        Each statement before it is carried out: its first line, its text with named parameters, and their values.
    """
    await execute(cursor, _SIGNATURE, {"name": call.function})
    row = await cursor.fetchone()
    if row is None:
        return
    names, types, source, settings = row
    for setting in settings:
        await execute(cursor, "select set_config(%s, %s, true)", setting.split("=", 1))
    known = {name: Variable(*one) for name, one in zip(names, zip(types, call.values, strict=True), strict=True)}
    known |= declared(source)
    for text in statements(source):
        into = _INTO.search(text)
        statement = sql.SQL(bound(_INTO.sub("", _RETURN.sub("", text)), known))
        values = {name: one.value for name, one in known.items()}
        yield text.split("\n", 1)[0], statement, values
        if into is not None:
            await execute(cursor, statement, values)
            found = await cursor.fetchone() or ()
            for name, value in zip(re.split(r"\s*,\s*", into["names"]), found, strict=True):
                known[name] = Variable(known[name].type, sent_back(value))


def sent_back(value: Any) -> Any:
    """Return what the database gave in the form in which it takes it."""
    if isinstance(value, list):
        return [sent_back(one) for one in value]
    return Jsonb(value) if isinstance(value, dict) else value


def declared(source: str) -> dict[str, Variable]:
    """Return the variables that a function declares."""
    found = _BODY.search(source)
    lines = (found["variables"] or "").split(";") if found else ()
    return {match[1]: Variable(match[2].strip()) for match in map(_VARIABLE.match, lines) if match}


def statements(source: str) -> list[str]:
    """Return the statements of a function's body; none has a semicolon or a block of its own inside."""
    found = _BODY.search(source)
    return [text.strip() for text in found["body"].split(";") if text.strip()] if found else []


def bound(text: str, known: dict[str, Variable]) -> str:
    """Put a typed parameter in the place of each variable. Columns that are called the same must be qualified."""
    names = "|".join(map(re.escape, known))
    return re.sub(
        rf"(?<![.\w])({names})\b(?!\s*\()",
        lambda match: f"%({match[1]})s::{known[match[1]].type}",
        text.replace("%", "%%"),
    )

"""The statement that keeps events, cut to what a batch needs: what is left out need not be made ready each time.

Two parts of it (`sql/intake.sql`) are optional: what tells new customers, and for each lane that is named an insert of
its own, which costs less than pgmq's function. The lanes of the last batch are named; a wrong guess loses nothing: the
function takes what goes elsewhere.
"""

import re
from functools import lru_cache
from typing import Final

from psycopg.sql import SQL, Composable, Identifier, Literal

from pideai_host.db.sql import load, query

LANES_MAX: Final = 4
"""Lanes that a statement names."""

STATEMENTS_MAX: Final = 16
"""Forms of the statement that a process makes: each of its connections plans each of them."""

_TEXT: Final = load("pideai_host.events", "sql/intake.sql")
_PART: Final = re.compile(r"^ *--\[(?P<name>\w+)\n(?P<text>.*?)^ *--\]\n", re.MULTILINE | re.DOTALL)
_NAME: Final = re.compile(r"\{(sent|queue|lane)\}")


class Statements:
    """The forms of the statement that one intake uses."""

    def __init__(self) -> None:
        self._used: set[tuple[tuple[str, ...], bool]] = set()
        self._lanes: tuple[str, ...] = ()

    def learn(self, lanes: set[str]) -> None:
        """Take the lanes that a batch went to."""
        if lanes:
            self._lanes = tuple(sorted(lanes)[:LANES_MAX])

    def forget(self) -> None:
        """Name no lane until a batch has gone to it: a lane that was named is missing."""
        self._lanes = ()

    def choose(self, *, customers: bool, name_lanes: bool) -> SQL:
        """Return the statement for a batch.

        Args:
            customers: Whether any event may register a customer.
            name_lanes: Whether the batch can be sent again when a lane that was named is missing.
        """
        key = (self._lanes if name_lanes else (), customers)
        if key not in self._used and len(self._used) >= STATEMENTS_MAX:
            key = ((), customers)
        self._used.add(key)
        return statement(key[0], customers=customers)


@lru_cache(maxsize=2 * STATEMENTS_MAX)
def statement(lanes: tuple[str, ...], *, customers: bool) -> SQL:
    """Return the statement with some lanes named, and with or without the part about customers."""
    names: dict[str, Composable] = {"lanes": SQL("{}::text[]").format(Literal(list(lanes)))}
    for n, lane in enumerate(lanes):
        names |= {
            f"sent{n}": Identifier(f"sent_{n}"),
            f"queue{n}": Identifier("pgmq", f"q_{lane}"),
            f"lane{n}": Literal(lane),
        }

    def part(found: re.Match[str]) -> str:
        if found["name"] == "customers":
            return found["text"] if customers else ""
        return "".join(_NAME.sub(rf"{{\g<1>{n}}}", found["text"]) for n in range(len(lanes)))

    return query(query(_PART.sub(part, _TEXT)).format(**names).as_string(None))

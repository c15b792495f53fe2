"""The parts of a fake context, in memory."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from pideai_host.api import CreditsExhausted, PluginFault
from pideai_host.stores.storage import VALUE_MAX_BYTES

Rows = Sequence[Mapping[str, Any]]


class FakeLog:
    """Keeps what was logged, as (level, event, facts)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def debug(self, event: str, **facts: Any) -> None:
        """Keep a line for the developer."""
        self.lines.append(("debug", event, facts))

    def info(self, event: str, **facts: Any) -> None:
        """Keep a line for whoever is curious."""
        self.lines.append(("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        """Keep a line that somebody should look at some day."""
        self.lines.append(("warning", event, facts))

    def error(self, event: str, **facts: Any) -> None:
        """Keep a line that somebody should look at now."""
        self.lines.append(("error", event, facts))


class FakeSecrets:
    """Secrets as two dicts, which a test may change: `own` by pointer, and `environ` by the operator's names."""

    def __init__(self, own: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> None:
        self.own = dict(own or {})
        self.environ = dict(environ or {})
        self.is_used = False

    async def get(self, name: str) -> str | None:
        """Return a secret of the installation."""
        self.is_used = True
        return self.own.get(name)

    def operator(self, name: str) -> str | None:
        """Return what the operator set."""
        return self.environ.get(name)

    def redact(self, text: str | None) -> str | None:
        """Return a text without the values."""
        for value in {*self.own.values(), *self.environ.values()} - {""}:
            text = text.replace(value, "[secret]") if text else text
        return text


class FakeCredits:
    """One delivery's way through a balance, idempotent as the host's is."""

    def __init__(self, balance: int = 10) -> None:
        self.balance = balance
        self.state = "none"
        """none, reserved, charged or refunded."""

    async def reserve(self) -> str:
        """Take one credit, once."""
        if self.state in {"none", "refunded"}:
            if self.balance <= 0:
                raise CreditsExhausted("the store has no credits left")
            self.balance -= 1
            self.state = "reserved"
        return "monthly"

    async def refund(self) -> None:
        """Give it back."""
        if self.state == "reserved":
            self.balance += 1
            self.state = "refunded"

    async def charge(self) -> None:
        """Keep it for good."""
        if self.state == "reserved":
            self.state = "charged"


class FakeStorage:
    """A dict of JSON, with the host's bound of 64 KiB a value."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._encoded = {key: _encoded(key, value) for key, value in (values or {}).items()}

    @property
    def values(self) -> dict[str, Any]:
        """All that is kept."""
        return {key: msgspec.json.decode(text) for key, text in self._encoded.items()}

    async def get(self, key: str) -> Any:
        """Return the value as JSON has it, or None."""
        return self.values.get(key)

    async def set(self, key: str, value: Any) -> None:
        """Write the value."""
        self._encoded[key] = _encoded(key, value)

    async def set_new(self, key: str, value: Any) -> bool:
        """Write the value if the key is new."""
        is_new = key not in self._encoded
        if is_new:
            await self.set(key, value)
        return is_new

    async def delete(self, key: str) -> None:
        """Forget the key."""
        self._encoded.pop(key, None)


class FakeDatabase:
    """Answers statements as a test says, and keeps them; for more than that there is a real one, `pideai_database`.

    Args:
        answer: Gets statement and parameters, returns rows. Without it any statement fails the test.
    """

    def __init__(self, answer: Callable[[str, Mapping[str, Any]], Rows] | None = None) -> None:
        self._answer = answer
        self.statements: list[tuple[str, dict[str, Any]]] = []

    async def fetch(self, sql: str, params: Mapping[str, Any] | None = None) -> Rows:
        """Return the rows."""
        if self._answer is None:
            raise AssertionError(f"no statement was expected: {sql[:80]!r}; give the context a database")
        self.statements.append((sql, dict(params or {})))
        return self._answer(sql, dict(params or {}))

    async def fetch_one(self, sql: str, params: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """Return the first row, or None."""
        return next(iter(await self.fetch(sql, params)), None)

    async def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """Return how many rows there are."""
        return len(await self.fetch(sql, params))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["FakeDatabase"]:
        """Give itself: nothing is undone."""
        yield self


def _encoded(key: str, value: Any) -> bytes:
    encoded = msgspec.json.encode(value)
    if len(encoded) > VALUE_MAX_BYTES:
        raise PluginFault(f"the value of {key!r} has {len(encoded)} bytes; at most {VALUE_MAX_BYTES} are kept", slug="")
    return encoded

"""Values that must not be told: the secrets that a plugin was given, for as long as its call and what it started runs.

A plugin that logs or prints its configuration is careless, not malicious; its words go out without them.
"""

import re
import sys
from contextvars import ContextVar
from typing import Any, Final, TextIO, cast
from urllib.parse import quote

import msgspec

HUSHED: Final = "[secret]"
MIN_CHARS: Final = 4
"""Anything shorter would take half of an ordinary text with it."""

_values: Final[ContextVar[set[str] | None]] = ContextVar("hushed", default=None)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~-]*")
_BASE64: Final = re.compile(r"[A-Za-z0-9_.~+/=-]*")


def begin_hushing() -> None:
    """From here on, in this context and in what it starts, what is given to `hush` is not told."""
    _values.set(set())


def hush(value: str) -> None:
    """Have a value not told, where `begin_hushing` was called; in the forms that texts may quote it in as well."""
    values = _values.get()
    if values is not None:
        values |= forms(value)


def forms(value: str) -> set[str]:
    """Return a value as texts may have it, plain, quoted by Python or JSON, or within a URL; nothing if it is short.

    Comes with every call, and is not remembered: a secret is open for as long as its call runs.
    """
    if len(value) < MIN_CHARS:
        return set()
    if _PLAIN.fullmatch(value):
        return {value}
    if _BASE64.fullmatch(value):  # most secrets: `quote` takes ten times as long
        return {value, value.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")}
    return {value, repr(value)[1:-1], msgspec.json.encode(value).decode()[1:-1], quote(value, safe="")}


def without(text: str, values: set[str]) -> str:
    """Return a text without some values, the longest first."""
    for value in sorted(values, key=len, reverse=True) if len(values) > 1 else values:
        text = text.replace(value, HUSHED)
    return text


def hushed(text: str) -> str:
    """Return a text as it may be told in this context."""
    values = _values.get()
    return without(text, values) if values else text


def hush_output() -> None:
    """Have what this process prints go out without what is hushed from now on. Idempotent."""
    sys.stdout, sys.stderr = _hushing(sys.stdout), _hushing(sys.stderr)


class _Hushing:
    """A text stream; what it does not say itself is the stream's that it writes to."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(hushed(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _hushing(stream: TextIO) -> TextIO:
    return stream if isinstance(stream, _Hushing) else cast("TextIO", _Hushing(stream))

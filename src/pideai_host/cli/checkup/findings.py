"""What a look found: one line for the operator, and a hint where there is something to do."""

from enum import StrEnum
from typing import Self

import msgspec

from pideai_host.api.errors import PideaiError


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    FAULT = "fault"


class Finding(msgspec.Struct, frozen=True):
    """One finding.

    Attributes:
        about: The part that it is about, one word.
        said: One line, without secrets.
        hint: What to do.
    """

    level: Level
    about: str
    said: str
    hint: str = ""

    @classmethod
    def of(cls, about: str, error: PideaiError) -> Self:
        """Return what an error says."""
        return cls(Level.FAULT, about, error.message, error.hint)


def ok(about: str, said: str) -> Finding:
    """Return what is well."""
    return Finding(Level.OK, about, said)


def note(about: str, said: str, hint: str = "") -> Finding:
    """Return what is worth knowing."""
    return Finding(Level.NOTE, about, said, hint)


def warning(about: str, said: str, hint: str = "") -> Finding:
    """Return what goes wrong for some, or will."""
    return Finding(Level.WARNING, about, said, hint)


def fault(about: str, said: str, hint: str = "") -> Finding:
    """Return what keeps the host from its work."""
    return Finding(Level.FAULT, about, said, hint)

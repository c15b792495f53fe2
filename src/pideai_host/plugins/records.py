"""What became of each plugin that was found: one record per candidate, the broken ones included."""

import os
import re
import traceback
from enum import StrEnum
from typing import Final

import msgspec

LINE_MAX_CHARS: Final = 600
TRACEBACK_MAX_CHARS: Final = 20_000
_SECRET_MIN_CHARS: Final = 8
_SECRET_NAME: Final = re.compile(r"KEY|SECRET|TOKEN|PASS", re.IGNORECASE)
_URL_LOGIN: Final = re.compile(r"(?<=://)[^\s/@]+@")


class Phase(StrEnum):
    """How far a candidate came, in order."""

    DISCOVER = "discover"
    SELECT = "select"
    IMPORT = "import"
    CHECK = "check"
    REGISTER = "register"
    READY = "ready"


class Status(StrEnum):
    """Where a candidate ended up."""

    READY = "ready"
    BROKEN = "broken"
    CONFLICT = "conflict"
    INCOMPATIBLE = "incompatible"
    SKIPPED = "skipped"


class LoadRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one candidate; the shape is part of the contract of `plugins list --json`.

    Attributes:
        slug: The entry point's name.
        distribution: Name of the installed distribution; empty when none declares the slug.
        source: ``dist==version: slug = package.module:attribute``, or the setting that named the slug.
        phase: The phase that the candidate ended in.
        error: One line: what is wrong and what to do; never secrets. None when ready.
        traceback: Where a plugin's own code raised; never secrets.
        seconds: How long import, checks and registration took.
    """

    slug: str
    distribution: str
    version: str
    source: str
    phase: Phase
    status: Status
    error: str | None = None
    traceback: str | None = None
    seconds: float = 0.0


def one_line(text: str) -> str:
    """Fold text into one line without secrets, `LINE_MAX_CHARS` long at most."""
    return _clip(" ".join(redact(text).split()), LINE_MAX_CHARS)


def describe(error: BaseException) -> str:
    """Say an exception in one line, ``Type: message``, without secrets; safe even if its ``__str__`` raises."""
    return one_line("".join(traceback.format_exception_only(error)))


def format_traceback(error: BaseException) -> str:
    """Render an exception with its traceback, the end of it if it is long, without secrets."""
    return redact("".join(traceback.format_exception(error)))[-TRACEBACK_MAX_CHARS:]


def redact(text: str) -> str:
    """Blank out log-ins in URLs and the values of environment variables that are named like secrets."""
    for name, value in os.environ.items():
        if len(value) >= _SECRET_MIN_CHARS and _SECRET_NAME.search(name):
            text = text.replace(value, "***")
    return _URL_LOGIN.sub("***@", text)


def _clip(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"

"""What became of each plugin that was found: one record per candidate, the broken ones included."""

import os
import re
import traceback
from enum import StrEnum
from typing import Final

import msgspec

from pideai_host.telemetry import redacted_text
from pideai_host.telemetry.redact import REDACTED

LINE_MAX_CHARS: Final = 600
TRACEBACK_MAX_CHARS: Final = 20_000
_SECRET_MIN_CHARS: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SECRET_NAME: Final = re.compile(r"KEY|SECRET|TOKEN|PASS", re.IGNORECASE)


class Phase(StrEnum):
    """How far a candidate came, in order."""

    DISCOVER = "discover"
    SELECT = "select"
    IMPORT = "import"
    CHECK = "check"
    REGISTER = "register"
    MIGRATIONS = "migrations"
    EVENT_TYPES = "event_types"
    ROUTES = "routes"
    JOBS = "jobs"
    STARTUP = "startup"
    READY = "ready"


class Status(StrEnum):
    """Where a candidate ended up. Partial: it works, but without its routes, jobs or event types."""

    READY = "ready"
    PARTIAL = "partial"
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
    line = " ".join(redact(text).split())
    return line if len(line) <= LINE_MAX_CHARS else line[: LINE_MAX_CHARS - 1] + "…"


def describe(error: BaseException) -> str:
    """Say an exception in one line, ``Type: message``, without secrets; safe even if its ``__str__`` raises."""
    return one_line("".join(traceback.format_exception_only(error)))


def format_traceback(error: BaseException) -> str:
    """Render an exception with its traceback, the end of it if it is long, without secrets."""
    return redact("".join(traceback.format_exception(error)))[-TRACEBACK_MAX_CHARS:]


def redact(text: str) -> str:
    """Blank out log-ins in URLs and the values of environment variables named like secrets; drop control characters.

    Control characters would let a plugin's message rewrite the terminal that shows it.
    """
    for name, value in os.environ.items():
        if len(value) >= _SECRET_MIN_CHARS and _SECRET_NAME.search(name):
            text = text.replace(value, REDACTED)
    return "\n".join(redacted_text(_CONTROL.sub(" ", line)) for line in text.splitlines())

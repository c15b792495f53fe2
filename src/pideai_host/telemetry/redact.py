"""Keeps secrets out of the log: by the name of a key, by the look of a URL, and what a plugin was given (`hush`)."""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

from pideai_host.telemetry.hush import hushed

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"secret|passw|token|authori[sz]ation|api[-_]?key|credential|cookie|(master|private|service|signing)[-_]?keys?|\bpin\b|jwt",
    re.IGNORECASE,
)
_URL_LOGIN = re.compile(r"(?<=://)[^/?#\s@]*:[^/?#\s]*(?=@)")
_STRUCTLOGS = frozenset({"_record", "_from_structlog"})
"""What structlog takes away itself, of records of the standard library."""
_DEPTH = 4
_LONGEST = 8000


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values of keys that sound secret, and logins within URLs; cut texts at 8,000 characters.

    A structlog processor. Looks into mappings and sequences, four levels deep; what lies deeper is left out.
    """
    for key, value in entry.items():
        if key in _STRUCTLOGS:
            continue
        entry[key] = REDACTED if _SECRET_KEY.search(key) else _cleaned(value, _DEPTH)
    return entry


def _cleaned(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _cleaned_container(value, depth) if depth else "[too deep]"
    return redacted_text(_text_of(value))


def _text_of(value: Any) -> str:
    """Return what would be shown of a value; a plugin's may raise whatever it likes."""
    try:
        return f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    except Exception:  # noqa: BLE001 - the log goes on
        return f"[{type(value).__name__}]"


def _cleaned_container(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            hushed(str(key)): REDACTED if _SECRET_KEY.search(str(key)) else _cleaned(inner, depth - 1)
            for key, inner in value.items()
        }
    return [_cleaned(inner, depth - 1) for inner in value]


def redacted_text(text: str) -> str:
    """Take logins out of URLs within a text, and what is hushed here, and cut it at 8,000 characters."""
    text = hushed(text)
    if "://" in text:
        text = _URL_LOGIN.sub(REDACTED, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… [{len(text)} characters]"

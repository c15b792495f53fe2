"""Keeps secrets out of the log: by the name of a key, and by the look of a URL."""

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any

REDACTED = "[redacted]"

_SECRET_KEY = re.compile(
    r"secret|passw|token|authori[sz]ation|api[-_]?key|credential|cookie|(master|private|service|signing)[-_]?keys?|\bpin\b|jwt",
    re.IGNORECASE,
)
_URL_LOGIN = re.compile(r"(?<=://)[^/?#\s@]*:[^/?#\s]*(?=@)")
_DEPTH = 4
_LONGEST = 8000


def redact(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace values of keys that sound secret, and logins within URLs; cut texts at 8,000 characters.

    A structlog processor. Looks into mappings and sequences, four levels deep; what lies deeper is left out.
    """
    for key, value in entry.items():
        entry[key] = REDACTED if _SECRET_KEY.search(key) else _cleaned(value, _DEPTH)
    return entry


def _cleaned(value: Any, depth: int) -> Any:
    if isinstance(value, BaseException):
        value = f"{type(value).__name__}: {value}"
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, bytes | bytearray):
        return f"[{len(value)} bytes]"
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _cleaned_container(value, depth) if depth else "[too deep]"
    return value


def _cleaned_container(value: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            key: REDACTED if _SECRET_KEY.search(str(key)) else _cleaned(inner, depth - 1)
            for key, inner in value.items()
        }
    return [_cleaned(inner, depth - 1) for inner in value]


def redacted_text(text: str) -> str:
    """Take logins out of URLs within a text, and cut it at 8,000 characters."""
    if "://" in text:
        text = _URL_LOGIN.sub(REDACTED, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… [{len(text)} characters]"

"""From the configuration that an owner sends to the two halves that are kept: what may be shown, and what is sealed.

Secrets are write-only. Reading leaves them out, so what was read can be sent back as it is: a secret that is left out
keeps its value, null clears it, and a mask such as ``****`` is refused, so that dots on a screen never become the
secret. An object that is left out goes with its secrets; within an array a secret is kept only while its item is
otherwise unchanged, since items have no names.
"""

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pideai_host.api import ConfigRejected
from pideai_host.stores.schema import ConfigSchema, Path, pointer

CONFIG_MAX_BYTES: Final = 65_536
CONFIG_MAX_DEPTH: Final = 32
SECRET_POINTER_MAX_CHARS: Final = 500
_MASK: Final = re.compile(r"[*•●]{3,}")
_UNSTORABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


class PreparedConfig(msgspec.Struct, frozen=True):
    """A valid configuration in its two halves.

    Attributes:
        public: The configuration with its defaults and without its secrets.
        secrets: JSON pointer -> secret value, any JSON.
    """

    public: dict[str, Any]
    secrets: dict[str, Any]

    def __repr__(self) -> str:
        return f"PreparedConfig(secrets={sorted(self.secrets)})"


def prepare(
    schema: ConfigSchema,
    submitted: Mapping[str, Any],
    *,
    stored: Mapping[str, Any] | None = None,
    kept: Mapping[str, Any] | None = None,
) -> PreparedConfig:
    """Check a configuration, fill in its defaults and part it from its secrets.

    Args:
        schema: The plugin's.
        submitted: What the owner sends; left as it is.
        stored: The public half of the configuration that this one replaces.
        kept: The secrets of that configuration, by JSON pointer.

    Raises:
        ConfigRejected: all faults at once, by JSON pointer; none of them repeats a value.
        PluginFault: the schema refers to something outside of itself.
    """
    _require_storable(submitted)
    config = copy.deepcopy(dict(submitted))
    _refuse_masks(schema, config)
    cleared = _clear_nulls(schema, config)
    _keep_secrets(schema, config, stored or {}, {at: one for at, one in (kept or {}).items() if at not in cleared})
    schema.fill(config)
    faults = schema.faults(config)
    secret_paths = schema.secret_paths(config)
    faults |= {
        pointer(path)[:SECRET_POINTER_MAX_CHARS]: "lies too deep for a secret"
        for path in secret_paths
        if len(pointer(path)) > SECRET_POINTER_MAX_CHARS
    }
    if faults:
        raise ConfigRejected(faults)
    secrets = {pointer(path): _take(config, path) for path in secret_paths}
    return PreparedConfig(config, secrets)


def omitted_secrets(submitted: Mapping[str, Any], pointers: list[str]) -> list[str]:
    """Return which of some secrets a configuration leaves out and so wants to keep."""
    return [at for at in pointers if (path := _locate(submitted, at)) is not None and not _holds(submitted, path)]


def _require_storable(config: Mapping[str, Any]) -> None:
    """Refuse what the database or the next reader could not hold, before anything walks through it."""
    waiting: list[tuple[Any, Path]] = [(config, ())]
    faults: dict[str, str] = {}
    while waiting:
        value, path = waiting.pop()
        if len(path) > CONFIG_MAX_DEPTH:
            raise ConfigRejected({"": f"is nested deeper than {CONFIG_MAX_DEPTH} levels"})
        texts = [*value] if isinstance(value, dict) else [value]
        if any(isinstance(text, str) and _UNSTORABLE.search(text) for text in texts):
            at = _UNSTORABLE.sub("?", pointer(path))[:SECRET_POINTER_MAX_CHARS]
            faults[at] = "holds a character that cannot be stored"
        if isinstance(value, dict):
            waiting += [(below, (*path, key)) for key, below in value.items()]
        elif isinstance(value, list):
            waiting += [(below, (*path, position)) for position, below in enumerate(value)]
    if faults:
        raise ConfigRejected(faults)
    try:
        size_bytes = len(msgspec.json.encode(config))
    except (TypeError, ValueError, OverflowError):
        raise ConfigRejected({"": "holds a value that is not JSON, or a number that is too large"}) from None
    if size_bytes > CONFIG_MAX_BYTES:
        raise ConfigRejected({"": f"has {size_bytes} bytes; at most {CONFIG_MAX_BYTES} are kept"})


def _refuse_masks(schema: ConfigSchema, config: dict[str, Any]) -> None:
    faults = {
        pointer(path): "is a mask, not a value; leave it out to keep the secret, or send a new one"
        for path in schema.secret_paths(config)
        if _has_mask(_get(config, path))
    }
    if faults:
        raise ConfigRejected(faults)


def _has_mask(value: Any) -> bool:
    if isinstance(value, str):
        return _MASK.fullmatch(value) is not None
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_mask, members))


def _clear_nulls(schema: ConfigSchema, config: dict[str, Any]) -> set[str]:
    """Take out the secrets that are null; return their pointers."""
    cleared = [path for path in schema.secret_paths(config) if _get(config, path) is None]
    return {pointer(path) for path in cleared if _take(config, path) is None}


def _keep_secrets(
    schema: ConfigSchema, config: dict[str, Any], stored: Mapping[str, Any], kept: Mapping[str, Any]
) -> None:
    """Put back the secrets that were left out, where the schema still calls them secret."""
    public = copy.deepcopy(config)
    for path in schema.secret_paths(public):
        _take(public, path)
    places: list[Path] = []
    for at, value in kept.items():
        place = _locate(config, at)
        if place is not None and not _holds(config, place) and _same_item(public, stored, place):
            _get(config, place[:-1])[place[-1]] = copy.deepcopy(value)
            places.append(place)
    still_secret = set(schema.secret_paths(config))
    for path in places:
        if path not in still_secret:
            _take(config, path)


def _same_item(public: Any, stored: Any, path: Path) -> bool:
    """Tell whether the outermost array item on a path is the one that was stored; true when there is none."""
    position = next((n for n, token in enumerate(path) if isinstance(token, int)), None)
    if position is None:
        return True
    item = path[: position + 1]
    try:
        return bool(_get(public, item) == _get(stored, item))
    except (LookupError, TypeError):  # the stored configuration had nothing there
        return False


def _locate(document: Any, at: str) -> Path | None:
    """Return the path of an object's key that a pointer names, or None when no object is there to hold it."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in at.split("/")[1:]]
    path: Path = ()
    for token in tokens[:-1]:
        if isinstance(document, dict) and token in document:
            path, document = (*path, token), document[token]
        elif isinstance(document, list) and token.isdecimal() and int(token) < len(document):
            path, document = (*path, int(token)), document[int(token)]
        else:
            return None
    return (*path, tokens[-1]) if isinstance(document, dict) and tokens else None


def _holds(document: Any, path: Path) -> bool:
    return path[-1] in _get(document, path[:-1])


def _get(document: Any, path: Path) -> Any:
    for token in path:
        document = document[token]
    return document


def _take(document: Any, path: Path) -> Any:
    """Remove an object's key and return its value; secret paths never end in an array's position."""
    return _get(document, path[:-1]).pop(path[-1])

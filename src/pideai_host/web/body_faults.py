"""Everything that is wrong with a JSON body, by pointer and at once, where a decoder stops at the first fault."""

import json
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

import msgspec

Path = tuple[str | int, ...]

FAULTS_MAX: Final = 50
_POINTER_MAX_CHARS: Final = 200
_WHERE: Final = " - at `"


def all_faults(body: bytes, kind: Any) -> dict[str, str]:
    """Return the faults of a body that is JSON but not `kind`, at most `FAULTS_MAX`; none if they are not found so."""
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    except RecursionError:
        return {"": "nested too deeply"}
    found: dict[str, str] = {}
    for path, words in _look(value, kind, ()):
        found.setdefault(_pointer(path), words)
        if len(found) == FAULTS_MAX:
            break
    return found


def faults_of_text(body: bytes) -> dict[str, str]:
    """Return what readers of a JSON text would see in different ways: the keys that stand there twice.

    Raises:
        RecursionError: it is nested too deeply.
    """
    seen_twice = False

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal seen_twice
        made: dict[str, Any] = dict(pairs)
        if len(made) == len(pairs):
            return made
        seen_twice = True
        return _Twice(pairs)

    value = json.loads(body, object_pairs_hook=noted, parse_int=str, parse_float=str, parse_constant=str)
    if not seen_twice:
        return {}
    found = [(_pointer(path), "stands there twice") for path in _twice(value, ())]
    return dict(found[:FAULTS_MAX])


def has_half_a_character(body: bytes) -> bool:
    r"""Tell whether a JSON text has half of a character, such as ``\ud800`` alone, which is no text."""
    try:
        text = json.dumps(json.loads(body, parse_int=str), ensure_ascii=False)
    except (ValueError, RecursionError):
        return False
    return any("\ud800" <= one <= "\udfff" for one in text)


class _Twice(dict[str, Any]):
    """An object with a key that stands there twice."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        names = [name for name, _ in pairs]
        self.names = [name for name in self if names.count(name) > 1][:FAULTS_MAX]


def _twice(value: Any, path: Path) -> Iterator[Path]:
    if isinstance(value, _Twice):
        for name in value.names:
            yield (*path, name)
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _twice(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _twice(inner, (*path, at))


def _look(value: Any, kind: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Go down as far as both the value and its kind have parts, and name what does not fit there."""
    for form in _forms(kind):
        if isinstance(value, dict) and isinstance(form, type) and issubclass(form, msgspec.Struct):
            yield from _look_into(value, form, path)
            return
        of = get_args(form)
        if isinstance(value, list) and get_origin(form) is list and of:
            for at, inner in enumerate(value):
                yield from _look(inner, of[0], (*path, at))
            break
        if isinstance(value, dict) and get_origin(form) is dict and of:
            for name, inner in value.items():
                yield from _look(inner, of[1], (*path, name))
            break
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        said = str(error)
        if _WHERE not in said:  # else it was named further down
            yield path, said


def _look_into(value: Mapping[str, Any], kind: type[msgspec.Struct], path: Path) -> Iterator[tuple[Path, str]]:
    fields = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in value:
            yield from _look(value[name], field.type, (*path, name))
        elif field.required:
            yield (*path, name), "is required"
    if kind.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                yield (*path, name), "is not a known field"


def _forms(kind: Any) -> tuple[Any, ...]:
    """Return what a value may be, of a union each of its parts."""
    if get_origin(kind) is Annotated:
        return _forms(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return tuple(form for one in get_args(kind) for form in _forms(one))
    return (kind,)


def _pointer(path: Path) -> str:
    """Return the JSON pointer (RFC 6901) of a place."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)[:_POINTER_MAX_CHARS]

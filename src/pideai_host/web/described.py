"""Litestar's description of the API, made such that a client generated from it needs no mending.

What Litestar writes is true, but it says some things in ways that generators stumble over, and does not know others:
that what an answer always holds is required, that a problem's code is one of a few, which headers an answer brings.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec
from litestar import Litestar
from litestar.serialization import encode_json
from msgspec import UNSET

from pideai_host.web.docstrings import say_docstring
from pideai_host.web.examples import REQUESTS
from pideai_host.web.problems import MEDIA_TYPE, TABLE, Problem
from pideai_host.web.structs import answered_by, structs_within, taken_by

Json = dict[str, Any]

METHODS: Final = ("get", "head", "post", "put", "patch", "delete")
_REF: Final = "#/components/schemas/"
_PROBLEM_BESIDE_ANOTHER: Final = f"{Problem.__module__}.{Problem.__name__}".replace(".", "_")
"""What Litestar calls the host's shape where a plugin has one of the same name."""

_NOISE: Final = frozenset({"deprecated", "allowEmptyValue", "allowReserved"})
"""What Litestar says of every parameter, though it is what is true unless told otherwise."""

_PARAMETERS: Final[Mapping[str, str]] = {
    "body_id": "The kept body.",
    "delivery_id": "The delivery.",
    "event_id": "The event.",
    "event_type": "Type of the events, such as `order.created`.",
    "replay_id": "The replay.",
    "slug": "The plugin's slug.",
    "status": "How the deliveries stand; any unless told.",
    "store_id": "The store.",
}
"""What a parameter is that a handler says no more of."""

_OTHER_WORDS: Final[Mapping[str, tuple[str, str]]] = {"NewInstallation": ("plugin", "slug")}
"""Schemas of bodies -> the word for a field, and another one that is taken as well."""

_LOCATED: Final = frozenset({"installStorePlugin", "beginReplay", "replayDelivery"})
"""What makes one thing, and answers with its address."""

_HEADERS: Final[Mapping[str, Json]] = {
    "X-Request-Id": {"description": "Names the request, in the log too.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait before it is sent again.", "schema": {"type": "integer"}},
    "ETag": {"description": "Names the state that is shown.", "schema": {"type": "string"}},
    "Location": {
        "description": "Where what was made is found.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit": {"description": "How many requests are left in this minute.", "schema": {"type": "string"}},
}


def described(app: Litestar) -> Json:
    """Return an application's description as it is given out, in an order that depends on nothing but the API."""
    document: Json = json.loads(encode_json(app.openapi_schema.to_schema()))
    schemas = document["components"]["schemas"]
    for name, one in schemas.items():
        one.pop("default", None)  # Litestar leaves a field's default at what the field refers to
        schemas[name] = _plain(one)
    document["paths"] = _plain(document["paths"])
    for struct in structs_within([*answered_by(app), *taken_by(app)]):
        say_docstring(struct, schemas.get(struct.__name__, {}))
    _name_enums(schemas)
    _require_what_is_sent(document, answered_by(app))
    _tell_other_words(schemas)
    examples: Json = {}
    for path, operation in operations(document):
        _make_optional(operation)
        _add_headers(path, operation)
        _add_request_example(operation)
        _name_codes(operation, examples)
    schemas["ProblemCode"] = {"type": "string", "enum": sorted(TABLE), "description": "Every code of a problem."}
    code = schemas["Problem" if "Problem" in schemas else _PROBLEM_BESIDE_ANOTHER]["properties"]["code"]
    code |= {"$ref": f"{_REF}ProblemCode"}
    code.pop("type", None)
    document["components"]["examples"] = dict(sorted(examples.items()))
    document["components"]["headers"] = dict(_HEADERS)
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    document["paths"] = dict(sorted(document["paths"].items()))
    return document


def printed(document: Json) -> str:
    """Return a description as text: the same text for the same API."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def operations(document: Mapping[str, Any]) -> Iterator[tuple[str, Json]]:
    """Return every operation with its path."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, item[method]


def _plain(part: Any) -> Any:
    """Say alternatives as OpenAPI 3.1 does: one is none, and null is a type. Examples are left as they are."""
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if not isinstance(part, dict):
        return part
    part = {
        name: value if name in {"examples", "default"} else _plain(value)
        for name, value in part.items()
        if not (name in _NOISE and value is False)
    }
    wanted = [one for one in part.get("oneOf", ()) if one != {"type": "null"}]
    if len(wanted) != 1:
        return part
    outside = {name: value for name, value in part.items() if name != "oneOf"}
    if len(part["oneOf"]) == 1:
        return {**wanted[0], **outside}
    kind = wanted[0].get("type")
    if isinstance(kind, str) and "enum" not in wanted[0]:
        return {**wanted[0], "type": [kind, "null"], **outside}
    return part


def _name_enums(schemas: Json) -> None:
    """Give each enumeration within a schema a name of its own, so that clients have a type for it."""
    for owner, schema in list(schemas.items()):
        for field, inner in schema.get("properties", {}).items():
            if "enum" not in inner:
                continue
            name = owner.removesuffix("Out") + "".join(word.title() for word in field.split("_"))
            values = inner.pop("enum")
            inner.pop("type", None)
            schemas[name] = {"type": "string", "enum": [value for value in values if value is not None]}
            ref = {"$ref": f"{_REF}{name}"}
            inner.update({"oneOf": [ref, {"type": "null"}]} if None in values else ref)


def _require_what_is_sent(document: Json, models: Iterable[type]) -> None:
    """Require every field that answers hold whatever it is; Litestar requires only those without a default."""
    schemas = document["components"]["schemas"]
    asked = _reached(document, lambda one: one.get("requestBody"))
    for struct in structs_within(models):
        schema = schemas.get(struct.__name__)
        if schema is None:
            continue
        if struct.__name__ in asked:
            continue
        for inner in schema["properties"].values():
            inner.pop("default", None)
        if not struct.__struct_config__.omit_defaults:
            sent = [field.encode_name for field in msgspec.structs.fields(struct) if field.default is not UNSET]
            schema["required"] = sorted(sent)


def _tell_other_words(schemas: Json) -> None:
    """Have clients use one word where two are taken, and require it."""
    for name, (word, other) in _OTHER_WORDS.items():
        schema = schemas.get(name)
        if schema is not None:
            schema["properties"][other]["deprecated"] = True
            schema["required"] = sorted({*schema.get("required", ()), word})


def _reached(document: Json, part_of: Callable[[Json], Any]) -> set[str]:
    """Return the names of the schemas that a part of the operations refers to, directly or not."""
    schemas = document["components"]["schemas"]
    found: set[str] = set()
    waiting = [name for _, operation in operations(document) for name in _refs(part_of(operation))]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _refs(schemas[name])
    return found


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for one in part:
            yield from _refs(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value.removeprefix(_REF)
            elif name != "examples":
                yield from _refs(value)


def _add_headers(path: str, operation: Json) -> None:
    names = {one["name"] for one in operation.get("parameters", ())}
    for status, answer in operation["responses"].items():
        brought = ["X-Request-Id"]
        if path.startswith("/api/"):
            brought.append("RateLimit")
        if status in {"429", "503"}:
            brought.append("Retry-After")
        if status in {"200", "304"} and names & {"If-None-Match", "If-Match"}:
            brought.append("ETag")
        if status == "201":
            brought.append("ETag")
        if operation["operationId"] in _LOCATED and status in {"201", "202"}:
            brought.append("Location")
        headers = answer.setdefault("headers", {})
        for name in brought:
            headers.setdefault(name, {"$ref": f"#/components/headers/{name}"})
    operation["responses"] = dict(sorted(operation["responses"].items()))


def _add_request_example(operation: Json) -> None:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    for summary, value in REQUESTS.get(operation["operationId"], {}).items() if body is not None else ():
        name = "-".join(summary.lower().replace("'", "").split())
        body.setdefault("examples", {})[name] = {"summary": summary, "value": value}


def _name_codes(operation: Json, examples: Json) -> None:
    """Say which codes a problem of this operation can have at each status; examples are kept once for all."""
    for answer in operation["responses"].values():
        problem = answer.get("content", {}).get(MEDIA_TYPE)
        shown = list((problem or {}).get("examples", {}).values())
        if problem is None or not shown or not all(map(_has_code, shown)):  # a plugin's own words about its own errors
            continue
        codes = sorted(one["value"]["code"] for one in shown)
        examples |= {one["value"]["code"]: one for one in shown}
        problem["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
        narrowed = {
            "type": "object",
            "properties": {"code": {"type": "string", "enum": codes}},
            "required": ["code"],
        }
        problem["schema"] = {"allOf": [problem["schema"], narrowed]}


def _has_code(example: Json) -> bool:
    value = example.get("value")
    return isinstance(value, dict) and isinstance(value.get("code"), str)


def _make_optional(operation: Json) -> None:
    """Have parameters be left out when they say nothing: there is no null in an address or a header."""
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        if not parameter.get("description") and parameter["name"] in _PARAMETERS:
            parameter["description"] = _PARAMETERS[parameter["name"]]
        others = [one for one in schema.pop("oneOf", ()) if one != {"type": "null"}]
        schema |= others[0] if len(others) == 1 else {"oneOf": others} if others else {}
        if isinstance(schema.get("type"), list):
            schema["type"] = next(kind for kind in schema["type"] if kind != "null")
        if None in schema.get("enum", ()):
            schema["enum"] = [value for value in schema["enum"] if value is not None]
        if schema.get("description") == parameter.get("description"):
            schema.pop("description", None)

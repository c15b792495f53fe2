"""Read a plugin's configuration schema: what it forbids, what it fills in, and which values it calls secret.

JSON Schema 2020-12. References stay inside the schema: nothing is ever fetched. A value is secret when any subschema
that can apply to it says ``writeOnly: true``, a branch that is not taken included, so that a secret is never mistaken
for something to show.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from pideai_host.api import PluginFault
from pideai_host.plugins.formats import FORMATS

Path = tuple[str | int, ...]
"""Where a value is: keys of objects and positions in arrays."""

FAULTS_MAX: Final = 50
_WORDS_MAX_CHARS: Final = 200
_BRANCHES: Final = ("anyOf", "oneOf")
_CONDITIONS: Final = ("if", "then", "else")
_REFERENCES: Final = ("$ref", "$dynamicRef")

_WORDS: Final[dict[str, str]] = {
    "const": "must be {rule!r}",
    "enum": "must be one of {rule}",
    "exclusiveMaximum": "must be less than {rule}",
    "exclusiveMinimum": "must be greater than {rule}",
    "format": "must be a valid {rule}",
    "maxItems": "must have at most {rule} items",
    "maxLength": "must have at most {rule} characters",
    "maximum": "must be at most {rule}",
    "minItems": "must have at least {rule} items",
    "minLength": "must have at least {rule} characters",
    "minimum": "must be at least {rule}",
    "multipleOf": "must be a multiple of {rule}",
    "pattern": "must match {rule}",
    "type": "must be of type {rule}",
    "unevaluatedProperties": "has fields that are not known",
    "uniqueItems": "must not hold the same item twice",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "must fit exactly one of the allowed forms",
    "not": "has a form that is not allowed",
    "None": "holds a value where none is allowed",  # the schema false
}
"""What a broken rule is called. Only the schema's words, never the value: it may be a secret."""


class _Node(NamedTuple):
    """A subschema that applies at some place; `certain` unless only a branch or a condition brings it."""

    schema: Any  # an object, a boolean, or None where the schema says nothing
    resolver: Any
    certain: bool


class ConfigSchema:
    """One plugin's schema, valid by the loader's rules.

    Raises:
        PluginFault: it refers to something outside of itself, here or in any method.
    """

    def __init__(self, slug: str, schema: Mapping[str, Any]) -> None:
        self._slug = slug
        resource = DRAFT202012.create_resource(schema)
        registry: Registry[Any] = Registry().with_resource(resource.id() or "", resource)
        self._validator = Draft202012Validator(schema, format_checker=FORMATS, registry=registry)
        try:
            self._root = self._applicable([_Node(schema, registry.resolver(resource.id() or ""), certain=True)])
        except Unresolvable as problem:
            raise self._unresolvable(problem) from None

    def faults(self, config: Mapping[str, Any]) -> dict[str, str]:
        """Return every fault of a configuration by JSON pointer, sorted, at most `FAULTS_MAX`."""
        found: dict[str, str] = {}
        try:
            for error in self._validator.iter_errors(config):
                for path, words in _describe(error):
                    found.setdefault(pointer(path)[:_WORDS_MAX_CHARS], words)
        except Unresolvable as problem:
            raise self._unresolvable(problem) from None
        except RecursionError:
            raise PluginFault(f"{self._slug}: config_schema refers to itself without end", slug=self._slug) from None
        return dict(sorted(found.items())[:FAULTS_MAX])

    def fill(self, config: dict[str, Any]) -> None:
        """Put defaults where an object lacks a key, in place and at any depth; branches and conditions fill nothing."""
        self._fill(config, self._root)

    def secret_paths(self, config: Mapping[str, Any]) -> list[Path]:
        """Return where secrets are, in document order; an array that holds one as an item is secret as a whole."""
        return list(self._secrets(config, self._root, ()))

    def _fill(self, value: Any, nodes: list[_Node]) -> None:
        if isinstance(value, dict):
            for node in nodes:
                for key in node.schema.get("properties", {}) if node.certain else ():
                    if key not in value:
                        self._fill_one(value, key, self._below(nodes, key))
        for key, below in _members(value):
            self._fill(below, self._below(nodes, key))

    @staticmethod
    def _fill_one(value: dict[str, Any], key: str, nodes: list[_Node]) -> None:
        for node in nodes:
            if node.certain and "default" in node.schema:
                value[key] = copy.deepcopy(node.schema["default"])
                return

    def _secrets(self, value: Any, nodes: list[_Node], path: Path) -> Iterator[Path]:
        if path and any(node.schema.get("writeOnly") is True for node in nodes):
            yield path
            return
        found = [
            secret
            for key, below in _members(value)
            for secret in self._secrets(below, self._below(nodes, key), (*path, key))
        ]
        if isinstance(value, list) and any(len(secret) == len(path) + 1 for secret in found):
            yield path
            return
        yield from found

    def _below(self, nodes: list[_Node], token: str | int) -> list[_Node]:
        try:
            return self._applicable([child for node in nodes for child in _children(node, token)])
        except Unresolvable as problem:
            raise self._unresolvable(problem) from None

    @staticmethod
    def _applicable(nodes: Sequence[_Node]) -> list[_Node]:
        """Follow references, combinations and conditions from some subschemas to all that apply at the same place."""
        found: list[_Node] = []
        waiting = list(reversed(nodes))
        seen: set[tuple[int, bool]] = set()
        while waiting:
            node = waiting.pop()
            if not isinstance(node.schema, Mapping) or (id(node.schema), node.certain) in seen:
                continue
            seen.add((id(node.schema), node.certain))
            node = node._replace(resolver=node.resolver.in_subresource(DRAFT202012.create_resource(node.schema)))
            found.append(node)
            waiting.extend(_beside(node))
        return found

    def _unresolvable(self, problem: Unresolvable) -> PluginFault:
        return PluginFault(
            f"{self._slug}: config_schema refers to {str(problem.ref)[:100]!r}, which is not in it", slug=self._slug
        )


def pointer(path: Path) -> str:
    """Return the JSON pointer (RFC 6901) of a place; the whole document is the empty text."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in path)


def _members(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _beside(node: _Node) -> Iterator[_Node]:
    schema = node.schema
    for keyword in _REFERENCES:
        if keyword in schema:
            resolved = node.resolver.lookup(schema[keyword])
            yield _Node(resolved.contents, resolved.resolver, node.certain)
    for part in schema.get("allOf", ()):
        yield node._replace(schema=part)
    for keyword in _BRANCHES:
        for part in schema.get(keyword, ()):
            yield node._replace(schema=part, certain=False)
    for keyword in _CONDITIONS:
        if keyword in schema:
            yield node._replace(schema=schema[keyword], certain=False)
    for part in schema.get("dependentSchemas", {}).values():
        yield node._replace(schema=part, certain=False)


def _children(node: _Node, token: str | int) -> Iterator[_Node]:
    schema = node.schema
    if isinstance(token, int):
        prefix = schema.get("prefixItems", ())
        yield node._replace(schema=prefix[token] if token < len(prefix) else schema.get("items"))
        for keyword in ("contains", "unevaluatedItems"):
            yield node._replace(schema=schema.get(keyword), certain=False)
        return
    named = [schema["properties"][token]] if token in schema.get("properties", {}) else []
    named += [part for pattern, part in schema.get("patternProperties", {}).items() if re.search(pattern, token)]
    for part in named or [schema.get("additionalProperties")]:
        yield node._replace(schema=part)
    yield node._replace(schema=schema.get("unevaluatedProperties"), certain=False)


# Any: jsonschema types every part of an error as possibly unset.
def _describe(error: Any) -> Iterator[tuple[Path, str]]:
    path: Path = tuple(error.absolute_path)
    special = _SPECIAL.get(str(error.validator))
    if special is not None:
        yield from special(path, error)
        return
    words = _WORDS.get(str(error.validator), "breaks the rule {name}")
    rule = ", ".join(map(str, error.validator_value)) if isinstance(error.validator_value, list) else None
    yield path, words.format(rule=rule or error.validator_value, name=error.validator)[:_WORDS_MAX_CHARS]


def _required(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    for key in error.validator_value:
        if key not in error.instance:
            yield (*path, key), "is required"


def _additional(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    patterns = error.schema.get("patternProperties", {})
    for key in error.instance:
        if key not in error.schema.get("properties", {}) and not any(re.search(one, key) for one in patterns):
            yield (*path, key), "is not a known field"


def _dependent(path: Path, error: Any) -> Iterator[tuple[Path, str]]:
    for key, needed in error.validator_value.items():
        for other in needed if key in error.instance else ():
            if other not in error.instance:
                yield (*path, other), f"is required together with {key}"


_SPECIAL: Final[dict[str, Callable[[Path, Any], Iterator[tuple[Path, str]]]]] = {
    "required": _required,
    "additionalProperties": _additional,
    "dependentRequired": _dependent,
}

"""Tokens in a template: ``{customer_name}`` becomes its value, in one pass, so that no value is ever expanded."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

_TOKEN: Final = re.compile(r"\{([A-Za-z][A-Za-z0-9_-]{0,63})\}")


def names_in(template: str) -> frozenset[str]:
    """Return the names of all tokens in a template, known or not."""
    return frozenset(found[1] for found in _TOKEN.finditer(template))


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A text with its tokens replaced.

    Attributes:
        used: Names of the tokens that were replaced.
        unknown: Names that have no value, sorted; they stay in the text as they were.
    """

    text: str
    used: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def render(template: str, values: Mapping[str, str]) -> Rendered:
    """Replace every occurrence of every known token; a value that holds a token or a ``$`` goes in as it is."""
    names = names_in(template)
    text = _TOKEN.sub(lambda found: values.get(found[1], found[0]), template)
    return Rendered(
        text=text,
        used=frozenset(names & values.keys()),
        unknown=tuple(sorted(names - values.keys())),
    )

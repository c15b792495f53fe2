"""An event type that a plugin declared: what its payloads look like, and whether one does."""

from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from pideai_host.api import PluginEventType
from pideai_host.plugins.formats import FORMATS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class DeclaredType:
    """A declaration that was checked.

    Args:
        slug: Whose.
        declared: The declaration.
    """

    def __init__(self, slug: str, declared: PluginEventType) -> None:
        self.slug = slug
        self.type = declared.type
        self.schema: dict[str, Any] = {"$schema": _DIALECT, **declared.payload_schema}
        self.sample: dict[str, Any] = dict(declared.sample)

    def fault(self, payload: Any) -> str | None:
        """Say where a payload, as JSON has it, does not fit and by which rule, never what it holds; None if it fits."""
        worst = best_match(self._validator.iter_errors(payload))
        return None if worst is None else f"{worst.json_path} breaks {worst.validator}"

    @cached_property
    def _validator(self) -> Draft202012Validator:
        return Draft202012Validator(self.schema, format_checker=FORMATS)

"""What the docstring of a struct says of it and of its fields, for the API's description."""

import inspect
import re
from typing import Any, Final

import msgspec

_FIELD: Final = re.compile(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", re.MULTILINE)


def say_docstring(struct: type[msgspec.Struct], schema: dict[str, Any]) -> None:
    """Put a struct's docstring into its schema, where that says nothing yet."""
    if not schema:
        return
    schema.setdefault("description", inspect.cleandoc(struct.__doc__ or "").partition("\n")[0])
    said = _of_fields(struct)
    for field in msgspec.structs.fields(struct):
        inner = schema.get("properties", {}).get(field.encode_name)
        if inner is not None and field.name in said and "description" not in inner:
            inner["description"] = said[field.name]


def _of_fields(struct: type) -> dict[str, str]:
    """Return what the section ``Attributes`` says of each field, of its bases too."""
    said: dict[str, str] = {}
    for one in reversed(struct.__mro__):
        _, _, attributes = inspect.cleandoc(one.__dict__.get("__doc__") or "").partition("\nAttributes:\n")
        said |= {name: " ".join(text.split()).replace("``", "`") for name, text in _FIELD.findall(attributes)}
    return said

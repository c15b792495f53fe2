"""What the API's description says of structs beyond Litestar's own word, so that it promises what msgspec enforces.

Litestar leaves out that unknown fields are refused, and what the texts in a list have to be like.
"""

from typing import TYPE_CHECKING

import msgspec
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import inspect

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator


class StrictStructs(OpenAPISchemaPlugin):
    """Completes the descriptions of structs; to be the first among the application's plugins that describe them."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Tell whether it is a struct."""
        return not field_definition.is_union and field_definition.is_subclass_of(msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: "SchemaCreator") -> Schema:
        """Add to what Litestar says."""
        others = (one for one in schema_creator.plugins if one is not self)
        litestars = next(one for one in others if schema_creator.plugin_supports_field(one, field_definition))
        schema = litestars.to_openapi_schema(field_definition, schema_creator)
        struct = inspect.type_info(field_definition.type_)
        if isinstance(struct, inspect.StructType):
            if struct.forbid_unknown_fields:
                schema.additional_properties = False
            for field in struct.fields:
                _describe_texts((schema.properties or {}).get(field.encode_name), _bare(field.type))
        return schema


def _describe_texts(schema: object, kind: inspect.Type) -> None:
    """Tell what the texts of a list have to be like."""
    if not isinstance(kind, inspect.ListType) or not isinstance(schema, Schema):
        return
    texts, items = _bare(kind.item_type), schema.items
    if isinstance(texts, inspect.StrType) and isinstance(items, Schema):
        items.min_length = texts.min_length
        items.max_length = texts.max_length
        items.pattern = texts.pattern


def _bare(kind: inspect.Type) -> inspect.Type:
    return kind.type if isinstance(kind, inspect.Metadata) else kind

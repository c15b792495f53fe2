"""The structs that an application takes and answers with, by what its handlers say."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from litestar import Litestar
from litestar.routes import HTTPRoute


def answered_by(app: Litestar) -> set[type]:
    """Return what the operations say that they answer with."""
    return {
        answer.data_container
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for answer in (handler.responses or {}).values()
        if isinstance(answer.data_container, type) and issubclass(answer.data_container, msgspec.Struct)
    }


def taken_by(app: Litestar) -> set[type]:
    """Return what the operations take."""
    fields = (
        handler.parsed_data_field
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
    )
    kinds = (None if field is None else field.annotation for field in fields)
    return {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)}


def structs_within(models: Iterable[type]) -> Iterator[type[msgspec.Struct]]:
    """Return the structs that models are made of, themselves included."""
    seen: set[type] = set()
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(models))
    while waiting:
        one = waiting.pop()
        if isinstance(one, msgspec.inspect.StructType):
            if one.cls in seen:
                continue
            seen.add(one.cls)
            yield one.cls
            waiting += [field.type for field in one.fields]
        elif isinstance(one, msgspec.inspect.UnionType):
            waiting += one.types
        elif isinstance(one, msgspec.inspect.Metadata):
            waiting.append(one.type)
        elif isinstance(one, msgspec.inspect.DictType):
            waiting.append(one.value_type)
        elif isinstance(one, msgspec.inspect.CollectionType):
            waiting.append(one.item_type)

"""JSON on its way into the database as it is: not inside another text, which would be parsed whole before it is."""

import struct
from collections.abc import Sequence
from typing import Final

import msgspec
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

_JSONB: Final = psycopg.adapters.types["jsonb"]
_HEAD: Final = struct.Struct("!iiIii")  # dimensions, whether there are nulls, type, length, first index
_ITEM: Final = struct.Struct("!iB")  # length, version of the form
_VERSION: Final = 1


class JsonbArray(msgspec.Struct, frozen=True):
    """Texts in JSON that are a parameter of type ``jsonb[]``."""

    items: Sequence[msgspec.Raw]


class _JsonbArrayDumper(Dumper):
    format = Format.BINARY
    oid = _JSONB.array_oid

    def dump(self, obj: JsonbArray) -> Buffer:
        parts: list[bytes | msgspec.Raw] = [_HEAD.pack(1, 0, _JSONB.oid, len(obj.items), 1)]
        for item in obj.items:
            parts += (_ITEM.pack(len(item) + 1, _VERSION), item)
        return b"".join(parts)


psycopg.adapters.register_dumper(JsonbArray, _JsonbArrayDumper)

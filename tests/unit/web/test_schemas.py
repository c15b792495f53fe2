"""The description of the API promises what the reader of bodies enforces."""

from typing import Annotated

import msgspec
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Meta

from pideai_host.web.schemas import StrictStructs


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    words: Annotated[list[Annotated[str, Meta(min_length=1, max_length=9, pattern="^a")]], Meta(max_length=3)] = []
    numbers: list[int] = []


class Loose(msgspec.Struct):
    inner: Strict
    word: Annotated[str, Meta(min_length=1)] = "a"


@pytest.fixture(scope="module")
def schemas():
    @post("/")
    async def take(data: JSONBody[Loose]) -> None: ...

    return Litestar([take], plugins=[StrictStructs()]).openapi_schema.to_schema()["components"]["schemas"]


def schema_of(schemas, name):
    return next(schema for key, schema in schemas.items() if key.endswith(name))


def test_a_struct_that_refuses_unknown_fields_says_so_and_no_other(schemas):
    assert schema_of(schemas, "Strict")["additionalProperties"] is False
    assert "additionalProperties" not in schema_of(schemas, "Loose")


def test_the_texts_of_a_list_are_described(schemas):
    properties = schema_of(schemas, "Strict")["properties"]

    assert properties["words"]["items"] == {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "^a"}
    assert (properties["words"]["maxItems"], properties["numbers"]["items"]) == (3, {"type": "integer"})


def test_what_litestar_says_already_stays(schemas):
    loose = schema_of(schemas, "Loose")

    assert (loose["required"], loose["properties"]["word"]["minLength"]) == (["inner"], 1)

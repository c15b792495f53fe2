"""JSON goes into the database as it is."""

import msgspec
import psycopg
import pytest

from pideai_host.db.jsonb import JsonbArray

_SENT = "select one::text from unnest(%s::jsonb[]) as one"


async def sent(connection, *texts):
    cursor = await connection.execute(_SENT, [JsonbArray([msgspec.Raw(text.encode()) for text in texts])])
    return [row[0] for row in await cursor.fetchall()]


@pytest.mark.parametrize("count", [0, 1, 70])
async def test_each_text_is_a_value_in_its_place(admin_conn, count):
    texts = [f'{{"n": {n}}}' for n in range(count)]

    assert await sent(admin_conn, *texts) == texts


async def test_nothing_of_a_value_is_lost(admin_conn):
    texts = ['"Papelón, \\"María\\" {}"', "12345678901234567890.125", "[null, true]"]

    assert await sent(admin_conn, *texts) == texts


@pytest.mark.parametrize("text", ['"\\u0000"', "{", ""])
async def test_what_the_database_does_not_take_is_the_datas_fault(admin_conn, text):
    with pytest.raises(psycopg.DataError):
        await sent(admin_conn, text)

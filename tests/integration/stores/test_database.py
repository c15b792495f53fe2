"""A plugin's SQL runs with named parameters, in a transaction of its own, and not for ever."""

import psycopg
import pytest

from pideai_host.stores.database import PluginDatabase


async def test_rows_come_as_dicts_by_named_parameters(pool):
    db = PluginDatabase(pool)
    sql = "select n, n * 2 as twice from generate_series(1, %(last)s) as n"

    assert await db.fetch(sql, {"last": 2}) == [{"n": 1, "twice": 2}, {"n": 2, "twice": 4}]
    assert await db.fetch_one(sql, {"last": 2}) == {"n": 1, "twice": 2}
    assert await db.fetch_one(sql, {"last": 0}) is None


async def test_a_percent_sign_needs_no_doubling_without_parameters(pool):
    assert await PluginDatabase(pool).fetch_one("select 'x' like '%' as found") == {"found": True}


async def test_a_statement_without_rows_answers_none_and_counts(pool, store_id):
    db = PluginDatabase(pool)
    insert = "insert into pideai_host.notices (store_id, plugin, message) values (%(store_id)s, 'p', 'm')"

    assert await db.fetch(insert, {"store_id": store_id}) == []
    assert await db.fetch_one(insert, {"store_id": store_id}) is None
    assert await db.execute(insert, {"store_id": store_id}) == 1
    assert await db.execute("update pideai_host.notices set level = 'error'") == 3
    assert await db.execute("set local work_mem = '1MB'") == 0


async def test_a_statement_that_runs_too_long_is_ended(pool):
    with pytest.raises(psycopg.errors.QueryCanceled):
        await PluginDatabase(pool, limit_s=0.05).execute("select pg_sleep(60)")


async def test_the_limit_ends_with_the_call(pool):
    await PluginDatabase(pool, limit_s=5).execute("select 1")

    async with pool.connection() as connection:
        assert await (await connection.execute("show statement_timeout")).fetchone() == ("0",)


async def test_it_works_as_the_runtime_role(pool):
    assert await PluginDatabase(pool).fetch_one("select current_user as name") == {"name": "pideai_host"}

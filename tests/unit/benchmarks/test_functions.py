"""How the statements inside a function are found and given their values."""

from benchmarks.explain.functions import Variable, bound, declared, statements

SOURCE = """
#variable_conflict use_column
declare
  ids bigint[];
  sent_at timestamptz[];
begin
  select array_agg(m.msg_id), array_agg(m.enqueued_at)
  into ids, sent_at
  from pgmq.read(lane, 60, wanted) as m;

  return query select r.ids from unnest(ids, sent_at) as r (ids, at) where r.at % 2 = 0;
end
"""


def test_a_function_is_cut_into_its_statements():
    first, second = statements(SOURCE)
    assert first.startswith("select array_agg(m.msg_id)")
    assert second.startswith("return query select")


def test_variables_have_the_types_that_they_are_declared_with():
    assert declared(SOURCE) == {"ids": Variable("bigint[]"), "sent_at": Variable("timestamptz[]")}


def test_a_function_without_variables_declares_none():
    assert declared("begin return query select 1; end") == {}


def test_variables_become_parameters_and_columns_that_are_called_the_same_stay():
    known = {"ids": Variable("bigint[]"), "lane": Variable("text")}
    text = "select r.ids % 2, r.lane from unnest(ids) as r where r.lane = lane"
    assert bound(text, known) == (
        "select r.ids %% 2, r.lane from unnest(%(ids)s::bigint[]) as r where r.lane = %(lane)s::text"
    )

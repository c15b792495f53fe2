"""A trigger's own text with one condition more; all else of it stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.cutover.definitions import TriggerUnusable, replacement

PLAIN = (
    "CREATE TRIGGER trigger_notify_order_ready_whatsapp AFTER UPDATE ON public.orders FOR EACH ROW "
    "EXECUTE FUNCTION public.notify_order_ready_whatsapp()"
)
ASKING = PLAIN.replace("EXECUTE", "WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE")


def test_a_condition_is_put_where_there_was_none():
    assert replacement(PLAIN, "a = 1") == PLAIN.replace("CREATE", "CREATE OR REPLACE").replace(
        "EXECUTE", "WHEN (a = 1) EXECUTE"
    )


def test_a_condition_joins_the_one_that_is_there():
    assert "WHEN (((old.status IS DISTINCT FROM new.status)) AND (a = 1)) EXECUTE" in replacement(ASKING, "a = 1")


@pytest.mark.parametrize("definition", [PLAIN, ASKING])
def test_without_a_condition_the_trigger_is_as_it_was(definition):
    assert replacement(definition, None).replace("CREATE OR REPLACE", "CREATE") == definition


@pytest.mark.parametrize(
    "definition",
    [
        PLAIN.replace("CREATE", "CREATE CONSTRAINT"),
        PLAIN.replace("ROW", "STATEMENT"),
        PLAIN.replace("EXECUTE", "WHEN (never closed EXECUTE"),
        "",
    ],
    ids=["constraint", "statement", "cut off", "empty"],
)
def test_what_cannot_take_a_condition_is_refused(definition):
    with pytest.raises(TriggerUnusable):
        replacement(definition, "a = 1")


quoted = st.text(alphabet="ab'()\" ;E\\", max_size=12)
literals = st.one_of(
    quoted.map(lambda text: "'" + text.replace("'", "''") + "'"),
    quoted.map(lambda text: '"' + text.replace('"', '""') + '"'),
    st.sampled_from(["' FOR EACH ROW '", "') EXECUTE FUNCTION x('", "E'it\\'s ('", "1"]),
)
conditions = st.recursive(
    literals,
    lambda inner: st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({' = '.join(parts)})"),
    max_leaves=8,
)


@given(asked=st.one_of(st.none(), conditions), added=st.one_of(st.none(), conditions))
def test_head_function_and_condition_stay_whatever_the_condition_quotes(asked, added):
    asked_text = "" if asked is None else f"WHEN ({asked}) "
    definition = PLAIN.replace("EXECUTE", f"{asked_text}EXECUTE")
    made = replacement(definition, None if added is None else str(added))
    head, tail = PLAIN.split("EXECUTE")

    assert made.startswith(head.replace("CREATE", "CREATE OR REPLACE"))
    assert made.endswith(f"EXECUTE{tail}")
    assert asked is None or str(asked) in made

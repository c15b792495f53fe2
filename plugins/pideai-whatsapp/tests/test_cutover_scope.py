"""Which stores the triggers still speak for."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.cutover.scope import Scope

stores = st.integers(min_value=0, max_value=5).map(lambda number: UUID(int=number))
sets = st.frozensets(stores)
scopes = st.builds(Scope, is_over=st.booleans(), listed=sets)
EVERY = [UUID(int=number) for number in range(6)]


@given(scopes, sets)
def test_a_store_that_is_taken_over_is_spoken_for_no_more_and_no_other_changes(scope, taken):
    after = scope.without(taken)

    assert [after.speaks_for(store) for store in EVERY] == [
        store not in taken and scope.speaks_for(store) for store in EVERY
    ]


@given(scopes, sets)
def test_a_store_that_is_given_back_is_spoken_for_and_no_other_changes(scope, given_back):
    after = scope.with_again(given_back)

    assert [after.speaks_for(store) for store in EVERY] == [
        store in given_back or scope.speaks_for(store) for store in EVERY
    ]


@given(sets)
def test_back_and_forth_leaves_the_triggers_as_they_were(taken):
    assert Scope().without(taken).with_again(taken) == Scope()


def test_the_whole_scope_asks_nothing_and_an_empty_list_speaks_for_nobody():
    assert (Scope().condition, Scope(is_over=True).condition) == (None, "new.store_id = ANY ('{}'::uuid[])")

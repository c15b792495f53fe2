"""A book's movements tell everything that changed, and their amounts add up to what is available."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.stores.balance import Balance
from pideai_host.stores.book import Book, Hold

STORE = UUID(int=1)

balances = st.builds(Balance, st.integers(0, 100), st.integers(-5, 100), st.integers(0, 200))
acts = st.lists(
    st.one_of(
        st.just(("take",)),
        st.tuples(st.sampled_from(["give_back", "charge", "keep"]), st.integers(0, 9)),
        st.tuples(st.just("grant"), st.sampled_from(["monthly", "extra"]), st.integers(-20, 50)),
    ),
    max_size=20,
)


def book(balance, *, is_over=False, last=None):
    return Book(STORE, balance, is_over=is_over, last=balance.available if last is None else last)


def kinds(book):
    return [(move.movement, move.amount, move.available) for move in book.moves]


@given(balance=balances, is_over=st.booleans(), last=st.integers(0, 100), acts=acts)
def test_the_amounts_add_up_to_what_is_available_whatever_is_done(balance, is_over, last, acts):
    opened = book(balance, is_over=is_over, last=last)
    for name, *rest in acts:
        if name == "take":
            opened.take(uuid4())
        elif name == "grant":
            try:
                opened.grant(*rest, reference="g")
            except ValueError:
                continue
        elif opened.holds:
            getattr(opened, name)(opened.holds[rest[0] % len(opened.holds)])

    sums = [last]
    for move in opened.moves:
        sums.append(sums[-1] + move.amount)
    assert sums[1:] == [move.available for move in opened.moves]
    assert (sums[-1], min(sums) >= 0) == (opened.balance.available, True)


def test_what_was_there_at_first_is_an_adjustment():
    opened = book(Balance(50, 5, 10), last=0)
    opened.take(uuid4())

    assert kinds(opened) == [("adjust", 45, 45), ("reserve", -1, 44)]


def test_what_the_shop_spent_by_itself_is_an_adjustment():
    opened = book(Balance(50, 0, 12), last=40)
    opened.take(uuid4())

    assert kinds(opened) == [("adjust", -2, 38), ("reserve", -1, 37)]


def test_a_new_month_is_a_movement():
    opened = book(Balance(50, 5, 50), is_over=True)
    opened.take(uuid4())

    assert kinds(opened) == [("renew", 50, 55), ("reserve", -1, 54)]


def test_what_was_merely_found_is_nothing_to_write():
    opened = book(Balance(50, 5, 50), is_over=True, last=3)

    assert not opened.is_changed


def test_nothing_is_taken_from_an_empty_balance():
    opened = book(Balance(0, 0, 0))

    assert (opened.take(uuid4()), opened.is_changed) == (None, False)


@pytest.mark.parametrize(
    ("name", "state", "amount"), [("charge", "charged", [0]), ("give_back", "refunded", [1]), ("keep", "kept", [])]
)
def test_an_ending_is_kept_in_the_hold(name, state, amount):
    opened = book(Balance(0, 0, 1))
    hold = Hold(uuid4(), "extra", "reserved")
    getattr(opened, name)(hold)

    assert [(one.delivery_id, one.credit_type, one.state) for one in opened.holds] == [
        (hold.delivery_id, "extra", state)
    ]
    assert [move.amount for move in opened.moves] == amount


def test_a_monthly_credit_of_an_earlier_month_gives_nothing_back_to_an_unspent_one():
    opened = book(Balance(5, 0, 3), is_over=True)
    opened.give_back(Hold(uuid4(), "monthly", "reserved"))

    assert kinds(opened) == [("renew", 3, 5), ("refund", 0, 5)]


@pytest.mark.parametrize(("kind", "balance"), [("monthly", Balance(4, 9, 0)), ("extra", Balance(9, 4, 0))])
def test_no_more_is_taken_away_than_there_is(kind, balance):
    with pytest.raises(ValueError, match="only 4"):
        book(balance).grant(kind, -5, reference="g")


def test_a_monthly_grant_counts_for_this_month_too():
    opened = book(Balance(10, 0, 10))
    move = opened.grant("monthly", 5, reference="g")

    assert (move.amount, move.available, move.granted, opened.balance) == (5, 5, 5, Balance(15, 0, 10))

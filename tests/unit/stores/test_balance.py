"""Credits are spent monthly first, never below zero, and come back as the kind they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.stores.balance import Balance

balances = st.builds(Balance, st.integers(0, 100), st.integers(0, 100), st.integers(0, 200))


@given(balances)
def test_exactly_what_is_available_can_be_spent(balance):
    available = balance.available
    for _ in range(available):
        _, balance = balance.take()

    assert balance.take() is None
    assert balance.available == 0


@given(balances)
def test_monthly_credits_go_before_extra_ones(balance):
    kinds = []
    while (taken := balance.take()) is not None:
        kind, balance = taken
        kinds.append(kind)

    assert kinds == sorted(kinds, reverse=True)


@given(balances.filter(lambda balance: balance.available > 0))
def test_taking_and_giving_back_changes_nothing(balance):
    kind, left = balance.take()

    assert left.available == balance.available - 1
    assert left.give_back(kind) == balance


@given(balances, st.sampled_from(["monthly", "extra"]))
def test_giving_back_never_makes_more_than_a_month_and_one_extra(balance, kind):
    after = balance.give_back(kind)

    assert after.used >= 0
    assert after.available in (balance.available, balance.available + 1)


def test_a_surplus_of_used_ones_does_not_eat_extra_credits():
    assert Balance(monthly=50, extra=5, used=60).available == 5


@pytest.mark.parametrize("balance", [Balance(0, 0, 0), Balance(50, 0, 50), Balance(50, 0, 60), Balance(0, -3, 0)])
def test_nothing_left_means_nothing_is_taken(balance):
    assert balance.take() is None
    assert balance.available == 0

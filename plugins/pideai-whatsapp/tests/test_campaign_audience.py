"""Who gets a campaign: each line once, in the store's own orders, never who opted out."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.campaigns.audience import INACTIVE, RECENT, AudienceKind, Buyer, pick
from pideai_whatsapp.text.phones import line_of

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)

spellings = st.integers(min_value=0, max_value=19).flatmap(
    lambda n: st.sampled_from([f"0414-12345{n:02}", f"58 414 12345{n:02}", f"+58 (414) 12345{n:02}"])
)
phones = st.one_of(spellings, st.sampled_from(["hola", "123", "5511987654321", "+54 9 11 2345-6789"]))
buyers = st.lists(
    st.builds(
        Buyer,
        phone=phones,
        customer_name=st.one_of(st.none(), st.just("Ana")),
        last_at=st.integers(min_value=0, max_value=200).map(lambda days: NOW - timedelta(days=days)),
    ),
    max_size=40,
)


def chosen(them, kind=AudienceKind.ALL, refusing=()):
    return pick(them, kind, region="VE", at=NOW, opted_out_lines=refusing)


@given(buyers)
def test_no_line_comes_twice_and_all_are_valid_numbers(them):
    lines = [one.line for one in chosen(them).recipients]

    assert len(lines) == len(set(lines))
    assert all(one.phone.startswith("+") and one.line == line_of(one.phone) for one in chosen(them).recipients)


@given(buyers, st.sets(st.integers(min_value=0, max_value=19)))
def test_who_opted_out_is_counted_and_gets_nothing(them, numbers):
    refusing = {f"5841412345{n:02}" for n in numbers}
    everybody, wanted = chosen(them), chosen(them, refusing=refusing)

    assert not refusing & {one.line for one in wanted.recipients}
    assert len(wanted.recipients) + wanted.opted_out == len(everybody.recipients)


@given(buyers)
def test_recent_and_inactive_customers_are_apart_and_among_all(them):
    everybody, recent, inactive = ({one.line for one in chosen(them, kind).recipients} for kind in (AudienceKind))

    assert not recent & inactive
    assert recent | inactive <= everybody


@given(buyers)
def test_whoever_ordered_last_comes_first(them):
    last = {}
    for buyer in them:
        for one in chosen([buyer]).recipients:
            last[one.line] = max(last.get(one.line, buyer.last_at), buyer.last_at)
    times = [last[one.line] for one in chosen(them).recipients]

    assert times == sorted(times, reverse=True)


def test_the_limits_of_recent_and_inactive_are_the_documented_days():
    def kinds(age):
        them = [Buyer(phone="04141234567", customer_name=None, last_at=NOW - age)]
        return [kind.value for kind in AudienceKind if chosen(them, kind).recipients]

    tick = timedelta(microseconds=1)
    assert (RECENT.days, INACTIVE.days) == (30, 60)
    assert kinds(RECENT) == ["all", "recent_customers"]
    assert kinds(RECENT + tick) == ["all"]
    assert kinds(INACTIVE) == ["all"]
    assert kinds(INACTIVE + tick) == ["all", "inactive_customers"]


def test_an_older_order_under_another_spelling_does_not_make_a_recent_customer_inactive():
    them = [
        Buyer(phone="04141234567", customer_name="Ana", last_at=NOW - timedelta(days=90)),
        Buyer(phone="+58 414 1234567", customer_name="Ana María", last_at=NOW - timedelta(days=2)),
    ]

    assert chosen(them, AudienceKind.INACTIVE).recipients == ()
    assert [one.customer_name for one in chosen(them, AudienceKind.RECENT).recipients] == ["Ana María"]


def test_what_is_no_phone_is_counted():
    assert chosen([Buyer(phone="hola", customer_name=None, last_at=NOW)]).unreachable == 1

"""A store's channel: what each signal, poll and wish makes of it, in whatever order, however often, true or not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pideai_whatsapp.channel.state import (
    CONFIRM,
    GIVE_UP,
    LATE,
    QR_LIVES,
    STEADY,
    STEADY_AFTER_LIES,
    TRIAL,
    TRIAL_MAX,
    Channel,
    LinkAsked,
    Linked,
    Polled,
    Reason,
    SendFailed,
    SendProved,
    State,
    Switched,
    Unlinked,
    after,
    trial_after,
)
from pideai_whatsapp.providers.base import Link
from pideai_whatsapp.providers.signals import ConnectionChanged, ConnectionState, Qr, QrChanged, QrLimit
from pideai_whatsapp.text.phones import Phone

T0 = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PHONE = Phone("+584121234567")

OPENED = ConnectionChanged(state=ConnectionState.OPEN, reason_code=200, phone=PHONE)
CONNECTING = ConnectionChanged(state=ConnectionState.CONNECTING, reason_code=200)
LOGGED_OUT = ConnectionChanged(state=ConnectionState.CLOSE, reason_code=401)
BANNED = ConnectionChanged(state=ConnectionState.CLOSE, reason_code=403)
REFUSED = ConnectionChanged(state=ConnectionState.CLOSE, reason_code=428)

open_channel = Channel(state=State.OPEN, since=T0 - LATE, phone=PHONE)
suspect_channel = after(open_channel, SendFailed(), T0)
connecting_channel = after(Channel(), LinkAsked(), T0)


def code(number):
    return QrChanged(qr=Qr(code=f"2@{number}", png_data_url="data:image/png;base64,AA==", count=number))


def told(channel, *happenings, at=T0):
    for one in happenings:
        channel = after(channel, one, at)
    return channel


def test_a_link_goes_from_asked_over_a_code_to_open():
    asked = told(Channel(), LinkAsked())
    shown = told(asked, code(1))
    opened = told(shown, OPENED, at=T0 + SECOND)

    assert [(one.state, one.qr is not None) for one in (asked, shown, opened)] == [
        (State.CONNECTING, False),
        (State.CONNECTING, True),
        (State.OPEN, False),
    ]
    assert (opened.phone, opened.since, opened.outage_since) == (PHONE, T0 + SECOND, None)


def test_each_new_code_takes_the_place_of_the_one_before():
    assert told(connecting_channel, code(1), code(2)).qr == code(2).qr


def test_a_code_that_was_shown_before_is_not_shown_again():
    assert told(connecting_channel, code(1), code(2), code(1)).qr == code(2).qr


def test_a_code_of_the_session_before_is_not_shown_after_a_new_link():
    before = told(connecting_channel, code(1), OPENED, Unlinked())

    assert told(before, LinkAsked(), code(1)).qr is None


def test_a_code_that_the_provider_is_not_sure_of_is_not_shown_when_it_comes_again():
    doubtful = Linked(Link(state=ConnectionState.CONNECTING, doubtful_code="2@1"))
    channel = told(connecting_channel, doubtful)

    assert (channel.previous_code, told(channel, code(1)).qr) == ("2@1", None)


def test_a_code_is_shown_for_as_long_as_it_lives():
    channel = told(connecting_channel, code(1))

    assert channel.shown_qr(T0 + QR_LIVES - SECOND) == code(1).qr
    assert channel.shown_qr(T0 + QR_LIVES) is None


def test_the_limit_of_codes_refuses_the_link_until_the_owner_asks_again():
    refused = told(connecting_channel, code(1), QrLimit())

    assert (refused.state, refused.reason, refused.qr) == (State.REFUSED, Reason.NOT_SCANNED, None)
    assert told(connecting_channel, REFUSED) == told(connecting_channel, QrLimit())
    assert told(refused, CONNECTING) is refused
    assert told(refused, LinkAsked()).state is State.CONNECTING


@pytest.mark.parametrize(
    ("signal", "reason"),
    [
        (LOGGED_OUT, Reason.LOGGED_OUT),
        (BANNED, Reason.BANNED),
        (ConnectionChanged(state=ConnectionState.CLOSE, reason_code=406), Reason.SESSION_LOST),
        (ConnectionChanged(state=ConnectionState.CLOSE), Reason.SESSION_LOST),
    ],
)
def test_a_session_that_is_over_closes_the_channel_with_its_reason(signal, reason):
    closed = told(open_channel, signal)

    assert (closed.state, closed.reason, closed.outage_since, closed.phone) == (State.CLOSED, reason, T0, PHONE)


def test_a_close_that_is_told_without_its_reason_first_gets_it_later():
    nameless = told(open_channel, ConnectionChanged(state=ConnectionState.CLOSE))

    assert (nameless.reason, told(nameless, LOGGED_OUT).reason) == (Reason.SESSION_LOST, Reason.LOGGED_OUT)
    assert told(nameless, LOGGED_OUT, BANNED).reason is Reason.LOGGED_OUT


def test_the_end_of_the_session_before_does_not_end_a_link_that_was_just_asked_for():
    assert told(connecting_channel, LOGGED_OUT, at=T0 + LATE - SECOND) is connecting_channel
    assert told(connecting_channel, LOGGED_OUT, at=T0 + LATE).state is State.CLOSED


def test_a_phone_that_was_just_linked_is_not_doubted_for_what_came_before_it():
    linked = told(connecting_channel, OPENED)

    assert told(linked, CONNECTING, at=T0 + LATE - SECOND) is linked
    assert told(linked, CONNECTING, at=T0 + LATE).state is State.SUSPECT


def test_an_open_channel_that_reconnects_is_suspect_and_its_messages_wait():
    channel = told(open_channel, CONNECTING)

    assert (channel.state, channel.reason, channel.is_usable) == (State.SUSPECT, Reason.RECONNECTING, False)
    assert told(channel, OPENED).is_usable


@pytest.mark.parametrize("signal", [OPENED, CONNECTING, LOGGED_OUT, code(1), QrLimit(), SendFailed(), LinkAsked()])
@pytest.mark.parametrize(
    "channel", [Channel(), open_channel, suspect_channel, connecting_channel, told(open_channel, LOGGED_OUT)]
)
def test_a_storm_of_one_signal_changes_something_once(channel, signal):
    once = told(channel, signal)

    assert told(once, *[signal] * 100) is once


def test_a_send_that_fails_makes_an_open_channel_suspect():
    assert (suspect_channel.state, suspect_channel.reason, suspect_channel.strikes) == (
        State.SUSPECT,
        Reason.SENDS_FAIL,
        1,
    )
    assert told(connecting_channel, SendFailed()) is connecting_channel


def test_a_channel_that_says_open_and_fails_is_believed_only_after_a_while():
    poll = Polled(ConnectionState.OPEN)

    assert told(suspect_channel, poll, at=T0 + TRIAL - SECOND) is suspect_channel
    assert told(suspect_channel, poll, at=T0 + TRIAL).is_usable


def test_a_channel_that_goes_on_lying_is_tried_less_and_less_often():
    again = told(told(suspect_channel, Polled(ConnectionState.OPEN), at=T0 + TRIAL), SendFailed(), at=T0 + TRIAL)

    assert (again.strikes, again.outage_since) == (2, T0)
    assert [trial_after(strikes) for strikes in (0, 1, 2, 3, 50, 10_000)] == [
        TRIAL,
        TRIAL,
        2 * TRIAL,
        4 * TRIAL,
        TRIAL_MAX,
        TRIAL_MAX,
    ]


def test_a_message_that_goes_through_ends_the_outage_at_once():
    tried = told(suspect_channel, Polled(ConnectionState.OPEN), at=T0 + TRIAL)

    assert (told(tried, SendProved()).outage_since, told(tried, SendProved()).strikes) == (None, 0)
    assert told(open_channel, SendProved()) is open_channel


@pytest.mark.parametrize(
    ("channel", "steady"),
    [(told(open_channel, CONNECTING, OPENED), STEADY), (told(suspect_channel, OPENED), STEADY_AFTER_LIES)],
)
def test_an_outage_is_over_when_the_channel_has_been_open_for_a_while(channel, steady):
    poll = Polled(ConnectionState.OPEN)

    assert told(channel, poll, at=T0 + steady - SECOND).outage_since == T0
    assert told(channel, poll, at=T0 + steady).outage_since is None


def test_a_single_poll_that_says_close_is_not_believed_since_a_server_that_starts_says_so_of_all():
    doubted = told(open_channel, Polled(ConnectionState.CLOSE))
    closed = told(doubted, Polled(ConnectionState.CLOSE), at=T0 + CONFIRM)

    assert (doubted.state, closed.state, closed.reason) == (State.SUSPECT, State.CLOSED, Reason.SESSION_LOST)


def test_an_instance_that_is_gone_closes_the_channel():
    assert told(open_channel, Polled(None)).reason is Reason.NO_INSTANCE
    assert told(connecting_channel, Polled(None)) is connecting_channel
    assert told(connecting_channel, Polled(None), at=T0 + GIVE_UP).reason is Reason.NO_INSTANCE


def test_a_link_that_comes_to_nothing_is_given_up():
    assert told(connecting_channel, Polled(ConnectionState.CLOSE)) is connecting_channel
    assert told(connecting_channel, Polled(ConnectionState.CLOSE), at=T0 + GIVE_UP).state is State.REFUSED


def test_a_poll_finds_what_no_webhook_told():
    assert told(connecting_channel, Polled(ConnectionState.OPEN)).state is State.OPEN
    assert told(open_channel, LOGGED_OUT, Polled(ConnectionState.OPEN)).state is State.OPEN


def test_asking_for_a_link_that_is_there_changes_nothing():
    assert told(open_channel, LinkAsked(), Linked(Link(state=ConnectionState.OPEN))) is open_channel


def test_a_suspect_channel_that_needs_a_new_code_is_linked_anew():
    answer = Linked(Link(state=ConnectionState.CONNECTING, qr=code(9).qr))

    assert (told(suspect_channel, answer).state, told(suspect_channel, answer).qr) == (State.CONNECTING, code(9).qr)


def test_a_provider_without_a_session_is_open_at_once_and_one_with_a_session_begins_anew():
    assert told(Channel(), Switched(needs_session=False)).is_usable
    assert told(open_channel, Switched(needs_session=True)).state is State.UNLINKED


def test_a_phone_that_is_still_linked_when_a_store_comes_back_is_found_by_a_poll():
    away = told(open_channel, Switched(needs_session=False), Switched(needs_session=True))
    back = told(away, Polled(ConnectionState.OPEN))

    assert (back.state, back.phone) == (State.OPEN, PHONE)


qrs = st.integers(0, 12).map(code)
signals = st.sampled_from([OPENED, CONNECTING, LOGGED_OUT, BANNED, REFUSED, QrLimit()]) | qrs
polls = st.sampled_from([Polled(state) for state in (*ConnectionState, None)])
links = st.builds(
    lambda state, qr: Linked(Link(state=state, qr=qr.qr if qr else None)),
    st.sampled_from(ConnectionState),
    st.none() | qrs,
)
anything = signals | polls | links | st.sampled_from([LinkAsked(), SendFailed(), SendProved(), Unlinked()])


@given(st.lists(signals))
def test_what_the_owner_unlinked_stays_so_whatever_comes_late(late):
    unlinked = told(open_channel, Unlinked())

    assert told(unlinked, *late) is unlinked


@given(st.lists(anything), anything)
def test_what_is_said_twice_changes_nothing_more(before, twice):
    once = told(told(Channel(), *before), twice)

    assert told(once, twice) is once


class ChannelMachine(RuleBasedStateMachine):
    """A provider with a truth of its own, whose words come late, twice, mixed up, or not at all."""

    def __init__(self):
        super().__init__()
        self.at = T0
        self.channel = Channel()
        self.under_way: list = []
        self.shown: list[str] = []
        self.is_owners = False

    def tell(self, happening):
        before = self.channel
        self.channel = after(before, happening, self.at)
        if self.channel.qr is not None and self.channel.qr is not before.qr:
            self.shown.append(self.channel.qr.code)

    @rule(signal=signals)
    def the_provider_says(self, signal):
        self.under_way.append(signal)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), times=st.integers(1, 3), keep=st.booleans())
    def it_arrives_in_some_order(self, data, times, keep):
        at = data.draw(st.integers(0, len(self.under_way) - 1))
        signal = self.under_way[at] if keep else self.under_way.pop(at)
        for _ in range(times):
            self.tell(signal)

    @rule(seconds=st.integers(1, 200))
    def time_passes(self, seconds):
        self.at += timedelta(seconds=seconds)

    @rule(happening=polls | links | st.sampled_from([SendFailed(), SendProved()]))
    def somebody_asks_or_sends(self, happening):
        if not (self.is_owners and isinstance(happening, Linked)):
            self.tell(happening)

    @rule()
    def the_owner_asks_for_a_link(self):
        self.is_owners = False
        self.tell(LinkAsked())

    @rule()
    def the_owner_unlinks(self):
        self.is_owners = True
        self.tell(Unlinked())

    @rule(truth=st.sampled_from([*ConnectionState, None]))
    def polls_bring_the_truth(self, truth):
        """Whatever was heard, a few polls that tell the truth are enough."""
        for _ in range(40):
            self.at += timedelta(seconds=30)
            self.tell(Polled(truth))
        if self.is_owners:
            assert self.channel.state is State.UNLINKED
        elif truth is ConnectionState.OPEN:
            assert (self.channel.state, self.channel.outage_since) == (State.OPEN, None)
        else:
            assert not self.channel.is_usable
            if truth is not ConnectionState.CONNECTING:
                assert self.channel.state not in (State.SUSPECT, State.CONNECTING)

    @invariant()
    def the_owners_word_is_final(self):
        assert self.is_owners is (self.channel.reason is Reason.BY_OWNER)

    @invariant()
    def a_code_is_there_only_while_connecting(self):
        assert self.channel.qr is None or self.channel.state is State.CONNECTING

    @invariant()
    def a_reason_is_there_exactly_where_something_is_wrong(self):
        wrong = {State.SUSPECT, State.CLOSED, State.REFUSED}
        assert self.channel.state not in wrong or self.channel.reason is not None
        assert self.channel.state is not State.OPEN or self.channel.reason is None

    @invariant()
    def no_code_is_shown_again_soon(self):
        latest = self.shown[-8:]
        assert len(set(latest)) == len(latest)


TestChannelMachine = ChannelMachine.TestCase

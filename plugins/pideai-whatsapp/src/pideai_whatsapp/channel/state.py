"""What a store's channel is, and what each thing that happens makes of it: the whole rule, pure.

    unlinked     no phone, or the owner unlinked it
    connecting   a code waits to be scanned
    open         messages go out
    suspect      it said open and something speaks against that: messages wait until it is cleared up
    closed       the session is over; `reason` says why, only the owner can link again
    refused      nobody scanned, the provider makes no more codes

Providers repeat themselves, storm, mix the order and lie (docs/adr/0052). So a repeat changes nothing, no single word
of theirs is final, and polls that tell the truth bring the truth whatever was heard before. The owner's own word is
final: what was unlinked by the owner stays so until the owner links again.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias, assert_never

import msgspec
from msgspec.structs import replace

from pideai_whatsapp.providers.base import Link
from pideai_whatsapp.providers.signals import ConnectionChanged, ConnectionState, Qr, QrChanged, QrLimit
from pideai_whatsapp.text.phones import Phone

QR_LIVES: Final = timedelta(seconds=45)
"""After this a code is shown to nobody."""

LATE: Final = timedelta(seconds=15)
"""How long what was before may still be reported: the end of the session before while the owner links anew, and the
way to a link when it stands."""

CONFIRM: Final = timedelta(seconds=20)
"""A server that has just started says close of every session: it is asked again after this."""

GIVE_UP: Final = timedelta(minutes=2)
"""A link that the provider knows nothing of is given up after this."""

STEADY: Final = timedelta(seconds=60)
"""An outage is over when the channel has been open for this long."""

STEADY_AFTER_LIES: Final = timedelta(minutes=10)
"""The same where it said open and failed; a message that goes through ends the outage at once."""

TRIAL: Final = timedelta(seconds=60)
TRIAL_MAX: Final = timedelta(minutes=15)
"""A channel that lied is tried again after the first, then after twice as long each time, up to the second."""

SEEN_MAX: Final = 8
"""Codes that are remembered, so that none is shown twice."""

_EVER: Final = timedelta(days=36_500)

_NOT_SCANNED: Final = 428


class State(StrEnum):
    """What a channel is."""

    UNLINKED = "unlinked"
    CONNECTING = "connecting"
    OPEN = "open"
    SUSPECT = "suspect"
    CLOSED = "closed"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why it is not open."""

    BY_OWNER = "by_owner"
    LOGGED_OUT = "logged_out"
    BANNED = "banned"
    SESSION_LOST = "session_lost"
    NO_INSTANCE = "no_instance"
    NOT_SCANNED = "not_scanned"
    RECONNECTING = "reconnecting"
    SENDS_FAIL = "sends_fail"


_REASONS: Final = {401: Reason.LOGGED_OUT, 403: Reason.BANNED}


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A store's channel.

    Attributes:
        since: When it became what it is; None for one that nothing is known of yet.
        phone: The phone that is linked, or was last.
        qr: The code to scan, only while connecting.
        seen: Codes of this link and the one before, the newest last; none of them is shown again.
        strikes: How often in a row it said open and failed.
        outage_since: Since when an open channel cannot be trusted; None again when it can.
    """

    state: State = State.UNLINKED
    reason: Reason | None = None
    since: datetime | None = None
    phone: Phone | None = None
    qr: Qr | None = None
    qr_at: datetime | None = None
    seen: tuple[str, ...] = ()
    strikes: int = 0
    outage_since: datetime | None = None

    @property
    def is_usable(self) -> bool:
        """Whether messages may go out."""
        return self.state is State.OPEN

    def shown_qr(self, at: datetime) -> Qr | None:
        """Return the code that may be shown now."""
        return self.qr if self.qr_at is not None and at - self.qr_at < QR_LIVES else None

    @property
    def previous_code(self) -> str | None:
        """Return the last code that is not fresh, for the provider's `link`."""
        return self.seen[-1] if self.seen else None


class LinkAsked(msgspec.Struct, frozen=True):
    """The owner asks for a link; said before the provider is called, so that its first codes are heard."""


class Linked(msgspec.Struct, frozen=True):
    """What the provider answered to that."""

    link: Link


class Polled(msgspec.Struct, frozen=True):
    """What the provider answers when it is asked for the state; None when it knows no instance of the store."""

    state: ConnectionState | None


class SendFailed(msgspec.Struct, frozen=True):
    """A message was refused since the session is down."""


class SendProved(msgspec.Struct, frozen=True):
    """A message went through."""


class Unlinked(msgspec.Struct, frozen=True):
    """The owner unlinked the phone."""


class Switched(msgspec.Struct, frozen=True):
    """The store has another provider now, which needs a linked phone or none."""

    needs_session: bool


Happening: TypeAlias = (
    ConnectionChanged
    | QrChanged
    | QrLimit
    | LinkAsked
    | Linked
    | Polled
    | SendFailed
    | SendProved
    | Unlinked
    | Switched
)


def after(channel: Channel, happening: Happening, at: datetime) -> Channel:
    """Return the channel after something happened; the same object if that changes nothing."""
    match happening:
        case ConnectionChanged() | QrChanged() | QrLimit():
            return channel if _is_owners(channel) else _after_signal(channel, happening, at)
        case Polled():
            return channel if _is_owners(channel) else _after_poll(channel, happening.state, at)
        case SendFailed() | SendProved():
            return _after_send(channel, happening, at)
        case _:
            return _after_wish(channel, happening, at)


def _after_wish(channel: Channel, wish: LinkAsked | Linked | Unlinked | Switched, at: datetime) -> Channel:
    match wish:
        case LinkAsked():
            return _after_link_asked(channel, at)
        case Linked():
            return _after_link(channel, wish.link, at)
        case Unlinked():
            unlinked = Channel(state=State.UNLINKED, reason=Reason.BY_OWNER, since=at, seen=channel.seen)
            return channel if _is_owners(channel) else unlinked
        case Switched():
            state = State.UNLINKED if wish.needs_session else State.OPEN
            return Channel(state=state, since=at, seen=channel.seen, phone=channel.phone)
        case _:
            assert_never(wish)


def _after_send(channel: Channel, send: SendFailed | SendProved, at: datetime) -> Channel:
    if channel.state is not State.OPEN:
        return channel
    if isinstance(send, SendProved):
        return _cleared(channel)
    return replace(_doubted(channel, Reason.SENDS_FAIL, at), strikes=channel.strikes + 1)


def _after_signal(channel: Channel, signal: ConnectionChanged | QrChanged | QrLimit, at: datetime) -> Channel:
    match signal:
        case QrLimit():
            return _not_scanned(channel, at)
        case QrChanged():
            return _with_code(channel, signal.qr, at)
        case ConnectionChanged(state=ConnectionState.OPEN):
            return _opened(channel, at, phone=signal.phone)
        case ConnectionChanged(state=ConnectionState.CONNECTING):
            # Of a session that is over it is late: one that begins anew was asked for, or brings a code.
            is_new = channel.state is State.OPEN and _lasted(channel, at) >= LATE
            return _doubted(channel, Reason.RECONNECTING, at) if is_new else channel
        case ConnectionChanged():
            return _after_close(channel, signal.reason_code, at)


def _after_close(channel: Channel, reason_code: int | None, at: datetime) -> Channel:
    """Close a session; one close is told in up to three ways, of which not all say why."""
    reason = _REASONS.get(reason_code or 0, Reason.SESSION_LOST)
    match channel.state:
        case State.OPEN | State.SUSPECT:
            return _closed(channel, reason, at)
        case State.CONNECTING if reason_code == _NOT_SCANNED:
            return _not_scanned(channel, at)
        case State.CONNECTING if _lasted(channel, at) >= LATE:
            return _closed(channel, reason, at)
        case State.CLOSED if channel.reason is Reason.SESSION_LOST and reason is not Reason.SESSION_LOST:
            return replace(channel, reason=reason)
        case _:
            return channel


def _after_poll(channel: Channel, state: ConnectionState | None, at: datetime) -> Channel:
    match state:
        case ConnectionState.OPEN:
            return _after_open_poll(channel, at)
        case ConnectionState.CONNECTING:
            return _doubted(channel, Reason.RECONNECTING, at) if channel.state is State.OPEN else channel
        case ConnectionState.CLOSE:
            return _after_close_poll(channel, at)
        case None:
            return _after_missing(channel, at)
        case _:
            assert_never(state)


def _after_open_poll(channel: Channel, at: datetime) -> Channel:
    if channel.state is State.OPEN:
        steady = STEADY_AFTER_LIES if channel.strikes else STEADY
        return _cleared(channel) if _lasted(channel, at) >= steady else channel
    if channel.reason is Reason.SENDS_FAIL and _lasted(channel, at) < trial_after(channel.strikes):
        return channel  # that is what it said before, too
    return _opened(channel, at)


def _after_close_poll(channel: Channel, at: datetime) -> Channel:
    match channel.state:
        case State.OPEN:
            return _doubted(channel, Reason.RECONNECTING, at)
        case State.SUSPECT if _lasted(channel, at) >= CONFIRM:
            return _closed(channel, Reason.SESSION_LOST, at)
        case State.CONNECTING if _lasted(channel, at) >= GIVE_UP:
            return _not_scanned(channel, at)
        case _:
            return channel


def _after_missing(channel: Channel, at: datetime) -> Channel:
    is_over = channel.state in (State.OPEN, State.SUSPECT)
    if is_over or (channel.state is State.CONNECTING and _lasted(channel, at) >= GIVE_UP):
        return _closed(channel, Reason.NO_INSTANCE, at)
    return channel


def _after_link_asked(channel: Channel, at: datetime) -> Channel:
    if channel.state in (State.OPEN, State.SUSPECT, State.CONNECTING):
        return channel
    return replace(channel, state=State.CONNECTING, reason=None, since=at, qr=None, qr_at=None, strikes=0)


def _after_link(channel: Channel, link: Link, at: datetime) -> Channel:
    if link.state is ConnectionState.OPEN:
        return _opened(channel, at)
    if link.doubtful_code is not None and link.doubtful_code not in channel.seen:
        channel = replace(channel, seen=(*channel.seen, link.doubtful_code)[-SEEN_MAX:])
    if channel.state in (State.OPEN, State.SUSPECT):
        if link.qr is None:
            return _doubted(channel, Reason.RECONNECTING, at) if channel.state is State.OPEN else channel
        channel = replace(channel, state=State.CONNECTING, reason=None, since=at, strikes=0)
    return channel if link.qr is None else _with_code(channel, link.qr, at)


def trial_after(strikes: int) -> timedelta:
    """Return how long a channel that lied so often in a row is not tried."""
    return min(TRIAL * (1 << min(max(strikes - 1, 0), 10)), TRIAL_MAX)


def _with_code(channel: Channel, qr: Qr, at: datetime) -> Channel:
    """Take a code that is new; one of an open session is late, and one of a session that is over as well."""
    is_new = channel.state is State.UNLINKED and channel.reason is None
    if not (is_new or channel.state is State.CONNECTING) or qr.code in channel.seen:
        return channel
    since = channel.since if channel.state is State.CONNECTING else at
    return replace(
        channel, state=State.CONNECTING, since=since, qr=qr, qr_at=at, seen=(*channel.seen, qr.code)[-SEEN_MAX:]
    )


def _opened(channel: Channel, at: datetime, *, phone: Phone | None = None) -> Channel:
    phone = phone or channel.phone
    if channel.state is State.OPEN:
        return channel if phone == channel.phone else replace(channel, phone=phone)
    return replace(channel, state=State.OPEN, reason=None, since=at, phone=phone, qr=None, qr_at=None)


def _doubted(channel: Channel, reason: Reason, at: datetime) -> Channel:
    return replace(channel, state=State.SUSPECT, reason=reason, since=at, outage_since=channel.outage_since or at)


def _closed(channel: Channel, reason: Reason, at: datetime) -> Channel:
    was_open = channel.state in (State.OPEN, State.SUSPECT)
    return replace(
        channel,
        state=State.CLOSED,
        reason=reason,
        since=at,
        qr=None,
        qr_at=None,
        strikes=0,
        outage_since=channel.outage_since or (at if was_open else None),
    )


def _not_scanned(channel: Channel, at: datetime) -> Channel:
    if channel.state is not State.CONNECTING:
        return channel
    return replace(channel, state=State.REFUSED, reason=Reason.NOT_SCANNED, since=at, qr=None, qr_at=None)


def _cleared(channel: Channel) -> Channel:
    if channel.outage_since is None and not channel.strikes:
        return channel
    return replace(channel, outage_since=None, strikes=0)


def _is_owners(channel: Channel) -> bool:
    return channel.reason is Reason.BY_OWNER


def _lasted(channel: Channel, at: datetime) -> timedelta:
    return _EVER if channel.since is None else at - channel.since

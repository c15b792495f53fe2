"""What an operator may write, and what is said of it, without a database."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pideai_host.cli import replay_show as show
from pideai_host.cli.app import run
from pideai_host.cli.replay import _instant
from pideai_host.events.replay import ReplayedDelivery, ReplayedEvent
from pideai_host.events.replay_range import Preview

ID = "c3b1a5c0-2d8e-4f43-8a6b-0f5e7d9c1a20"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-28", datetime(2026, 11, 28, tzinfo=UTC)),
        ("2026-11-28T08:00:00Z", datetime(2026, 11, 28, 8, tzinfo=UTC)),
        ("2026-11-28T08:00:00-04:00", datetime(2026, 11, 28, 12, tzinfo=UTC)),
    ],
)
def test_a_time_is_read(written, meant):
    assert _instant(None, None, written) == meant


@pytest.mark.parametrize(
    ("written", "ago"), [("30m", timedelta(minutes=30)), ("12h", timedelta(hours=12)), ("3d", timedelta(days=3))]
)
def test_how_long_ago_is_read(written, ago):
    before = datetime.now(UTC)
    read = _instant(None, None, written)

    assert before - ago <= read <= datetime.now(UTC) - ago


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["preview", "--store", "s", "--since", "yesterday"], "'yesterday' is no time"),
        (["preview", "--store", "s", "--since", "2026-11-28T08:00:00"], "has no time zone"),
        (["preview", "--store", "s", "--since", "1h", "--until", "1d"], "until lies before since"),
        (["start", "--store", "s", "--since", "0001-01-01T00:00:00+05:00"], "since is no time in UTC"),
        (["preview", "--since", "1d"], "one of --store and --all-stores is needed"),
        (["preview", "--since", "1d", "--store", "s", "--all-stores"], "one of --store and --all-stores is needed"),
        (["preview", "--since", "1d", "--store", "s", "--status", "pending"], "'pending' is not one of"),
        (["preview", "--since", "1d", "--store", "s", "--plugin", "NO"], "slug"),
        (["start", "--since", "1d", "--store", "s", "--per-second", "0"], "0.0 is not in the range"),
        (["status", "--follow"], "--follow needs the replay's id"),
        (["one", "7"], "'7' is not a valid UUID"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(arguments, said, capsys):
    code = run(["replay", *arguments])
    written = capsys.readouterr()

    assert (code, written.out) == (2, "")
    assert said in written.err


@pytest.mark.parametrize(
    ("counted", "untaken", "line"),
    [
        (Preview(1, is_exact=True), False, "1 delivery."),
        (Preview(0, is_exact=True), False, "0 deliveries."),
        (Preview(1, is_exact=False), False, "1 or more deliveries."),
        (Preview(2, is_exact=True), True, "2 events that nobody took."),
    ],
)
def test_a_count_is_said_in_a_line(counted, untaken, line):
    assert show.preview_line(counted, untaken=untaken) == line


def test_what_a_single_replay_did_is_said_in_a_line():
    made = UUID(ID)
    again = ReplayedDelivery(replay_id=made, delivery_id=made, is_copy=False)
    copy = ReplayedDelivery(replay_id=made, delivery_id=made, is_copy=True)
    event = ReplayedEvent(replay_id=made, made=[made], kept=[made])

    assert show.done_line(again) == f"Delivery {ID} goes again (replay {ID})."
    assert show.done_line(copy) == f"A copy, {ID}, goes (replay {ID})."
    assert show.done_line(event) == f"Deliveries made: {ID}. There already: 1 (replay {ID})."

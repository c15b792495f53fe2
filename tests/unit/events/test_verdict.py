"""What becomes of a delivery after each kind of answer (DESIGN.md 4.7)."""

import httpx
import pytest

from pideai_host.api import (
    ConfigRejected,
    CreditsExhausted,
    HookTimeout,
    Outcome,
    PluginDefinition,
    PluginEventResult,
    PluginType,
    delivered,
    failed,
    retry,
    sent,
    unknown,
    wait,
)
from pideai_host.events.reasons import EndReason
from pideai_host.events.verdict import judge, result_of_error

PLUGIN = PluginDefinition(
    slug="probe", name="Probe", version="1", type=PluginType.NOTIFICATION, subscribed_events=("order.created",)
)
SAFE = PluginDefinition(
    slug="probe",
    name="Probe",
    version="1",
    type=PluginType.NOTIFICATION,
    subscribed_events=("order.created",),
    repeat_safe=True,
)


def after(result, *, definition=PLUGIN, calls=1, waited_s=0.0):
    return judge(
        result,
        definition.retry,
        repeat_safe=definition.repeat_safe,
        calls=calls,
        waited_s=waited_s,
        random=lambda: 0.0,
    )


@pytest.mark.parametrize(
    ("result", "status", "delay_s", "uses_attempt"),
    [
        (delivered(), "delivered", None, True),
        (sent(), "sent", None, True),
        (failed("no"), "failed", None, True),
        (unknown("lost"), "unknown", None, True),
        (retry("later"), "pending", 1.0, True),
        (wait("channel down", retry_after_s=30), "pending", 30.0, False),
        (PluginEventResult(success=True), "delivered", None, True),
        (PluginEventResult(success=False, error="no"), "pending", 1.0, True),
    ],
)
def test_each_outcome_has_its_state(result, status, delay_s, uses_attempt):
    verdict = after(result)

    assert (verdict.status, verdict.delay_s, verdict.uses_attempt) == (status, delay_s, uses_attempt)


def test_the_fourth_failed_call_is_the_last():
    assert after(retry("503"), calls=4).status == "failed"


def test_giving_up_says_how_often_it_was_tried_and_why():
    assert after(retry("503"), calls=4).error == "gave up after 4 attempts: 503"


@pytest.mark.parametrize(
    ("result", "known", "reason"),
    [
        (retry("503"), {"calls": 4}, EndReason.GAVE_UP),
        (wait("channel down", retry_after_s=1), {"waited_s": 7_200}, EndReason.WAITED_TOO_LONG),
        (retry("503"), {}, None),
        (wait("channel down", retry_after_s=1), {}, None),
        (failed("no such number"), {"calls": 4}, None),
        (delivered(), {}, None),
    ],
    ids=["the last retry", "the last wait", "a retry", "a wait", "the plugin's own end", "delivered"],
)
def test_a_reason_is_the_hosts_and_an_ends(result, known, reason):
    assert after(result, **known).reason is reason


def test_unknown_is_repeated_only_where_a_repeat_is_harmless():
    assert (after(unknown("lost")).status, after(unknown("lost"), definition=SAFE).status) == ("unknown", "pending")


def test_a_wait_that_lasts_too_long_fails_visibly():
    assert after(wait("channel down", retry_after_s=1), waited_s=7_200).status == "failed"


@pytest.mark.parametrize(
    ("error", "request_left", "outcome"),
    [
        (HookTimeout(slug="probe", hook="handle_event", limit_s=1), True, Outcome.UNKNOWN),
        (HookTimeout(slug="probe", hook="handle_event", limit_s=1), False, Outcome.RETRY),
        (httpx.ReadTimeout("slow"), True, Outcome.UNKNOWN),
        (httpx.RemoteProtocolError("cut"), True, Outcome.UNKNOWN),
        (httpx.ConnectError("refused"), True, Outcome.RETRY),
        (httpx.ConnectTimeout("slow"), True, Outcome.RETRY),
        (ValueError("a bug"), False, Outcome.RETRY),
        (CreditsExhausted("none left"), False, Outcome.FAILED),
        (ConfigRejected({"/provider": "is missing"}), False, Outcome.FAILED),
    ],
)
def test_an_exception_means_what_it_says(error, request_left, outcome):
    assert result_of_error(error, request_left=request_left).resolved is outcome


def test_long_errors_are_cut():
    assert len(after(failed("x" * 10_000)).error) == 500

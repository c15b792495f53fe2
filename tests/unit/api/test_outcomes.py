import pytest

from pideai_host.api import (
    RESPONSE_BODY_MAX_CHARS,
    Outcome,
    PluginEventResult,
    delivered,
    failed,
    retry,
    sent,
    skipped,
    unknown,
    wait,
)


@pytest.mark.parametrize(
    ("result", "outcome", "success"),
    [
        (delivered(), Outcome.DELIVERED, True),
        (skipped("off"), Outcome.DELIVERED, True),
        (sent(), Outcome.SENT, True),
        (retry("later"), Outcome.RETRY, False),
        (wait("down", retry_after_s=5), Outcome.WAIT, False),
        (failed("never"), Outcome.FAILED, False),
        (unknown("who knows"), Outcome.UNKNOWN, False),
    ],
    ids=["delivered", "skipped", "sent", "retry", "wait", "failed", "unknown"],
)
def test_a_helper_says_its_outcome(result, outcome, success):
    assert (result.outcome, result.resolved, result.success) == (outcome, outcome, success)


@pytest.mark.parametrize(("success", "outcome"), [(True, Outcome.DELIVERED), (False, Outcome.RETRY)])
def test_a_result_by_hand_is_delivered_or_retried(success, outcome):
    assert PluginEventResult(success=success).resolved is outcome


def test_an_outcome_that_is_given_wins_over_success():
    assert PluginEventResult(success=False, outcome=Outcome.FAILED).resolved is Outcome.FAILED


def test_the_reason_of_a_skip_is_in_the_data():
    assert skipped("no phone").data == {"skipped": "no phone"}


def test_retry_and_wait_keep_when_to_come_back():
    assert [retry("later", retry_after_s=7).retry_after_s, wait("down", retry_after_s=9).retry_after_s] == [7, 9]


@pytest.mark.parametrize("result", [retry("why"), wait("why", retry_after_s=1), failed("why"), unknown("why")])
def test_what_is_not_done_says_why(result):
    assert result.error == "why"


@pytest.mark.parametrize(
    "helper", [delivered, sent, lambda **kept: retry("x", **kept), lambda **kept: failed("x", **kept)]
)
def test_a_response_is_kept_up_to_its_limit(helper):
    result = helper(response_code=502, response_body="é" * (RESPONSE_BODY_MAX_CHARS + 1))

    assert (result.response_code, result.response_body) == (502, "é" * RESPONSE_BODY_MAX_CHARS)

"""Twilio's numbers fall into never, later and not set up; any other is judged by its HTTP status."""

import json
from typing import Any

import pytest
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
)
from pideai_whatsapp.providers.calls import Answer
from pideai_whatsapp.providers.signals import Progress
from pideai_whatsapp.providers.twilio_replies import failure, problem_of, progress_of, receipt_of


def error(status: int, code: Any, **more: Any) -> Answer:
    body = {"code": code, "message": "words", "more_info": f"https://www.twilio.com/docs/errors/{code}", **more}
    return Answer(status=status, body=json.dumps(body | {"status": status}).encode())


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        (401, 20003, ProviderConfiguration),
        (403, 20003, ProviderConfiguration),
        (404, 20404, ProviderConfiguration),
        (429, 20429, ProviderUnavailable),
        (400, 21211, InvalidRecipient),
        (400, 21608, MessageRefused),
        (400, 21610, MessageRefused),
        (400, 21612, MessageRefused),
        (400, 21617, MessageRefused),
        (400, 63003, InvalidRecipient),
        (400, 63007, ProviderConfiguration),
        (400, 63016, MessageRefused),
        (400, 63018, ProviderUnavailable),
        (400, 63024, InvalidRecipient),
        (400, 99999, MessageRefused),
        (400, None, MessageRefused),
        (400, True, MessageRefused),
        (400, "21211", InvalidRecipient),
        (429, None, ProviderUnavailable),
        (500, 20500, ProviderUnavailable),
        (503, None, ProviderUnavailable),
        (504, None, RequestLost),
    ],
)
def test_an_error_is_one_problem(status: int, code: Any, problem: type[ProviderProblem]) -> None:
    assert type(problem_of(error(status, code))) is problem


def test_newer_errors_are_read_as_well() -> None:
    body = {"type": "about:blank", "title": "Too many requests", "status": 429, "code": 20429, "detail": "slow down"}

    problem = problem_of(Answer(status=429, body=json.dumps(body).encode()))

    assert type(problem) is ProviderUnavailable
    assert "20429: slow down" in problem.message


def test_a_message_that_failed_at_once_is_no_receipt() -> None:
    body = {"sid": "SM1", "status": "failed", "error_code": 63024, "error_message": "invalid recipient"}

    with pytest.raises(InvalidRecipient):
        receipt_of(Answer(status=201, body=json.dumps(body).encode()))


@pytest.mark.parametrize("status", ["receiving", "received", "teleported", None, 5, {}])
def test_a_status_that_is_no_progress_is_none(status: Any) -> None:
    assert progress_of({"status": status}) is None


def test_partly_delivered_is_delivered() -> None:
    assert progress_of({"status": "partially_delivered"}) is Progress.DELIVERED


@pytest.mark.parametrize("code", [None, "", "x" * 9, "63016", 63016, [], "９"])  # noqa: RUF001 - a wide nine
def test_a_failure_always_has_words(code: Any) -> None:
    assert failure(code, None)

"""Meta's numbers fall into never, later and not set up; any other is judged by its HTTP status."""

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
from pideai_whatsapp.providers.meta_replies import failure, problem_of, receipt_of

NO_SETUP = [0, 3, 10, 190, 200, 250, 299, 131005, 131031, 131042, 368]
LATER = [4, 80007, 130429, 131048, 131056, 131000, 131016, 133016, 131057]
REFUSED = [
    131030, 131021, 131050, 131049, 130472, 130497, 131047, 132000, 132001, 132005, 132007, 132008, 132012, 132015,
    132016, 131008, 131009, 131051, 131052, 131053, 100,
]  # fmt: skip


def error(status: int, code: Any, **more: Any) -> Answer:
    about = {"message": f"(#{code}) words", "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    return Answer(status=status, body=json.dumps({"error": about}).encode())


@pytest.mark.parametrize(
    ("status", "code", "problem"),
    [
        *((400, code, ProviderConfiguration) for code in NO_SETUP),
        *((400, code, ProviderUnavailable) for code in LATER),
        *((400, code, MessageRefused) for code in REFUSED),
        (400, 131026, InvalidRecipient),
        (401, 999, ProviderConfiguration),
        (400, 999, MessageRefused),
        (400, None, MessageRefused),
        (400, "190", MessageRefused),
        (429, None, ProviderUnavailable),
        (500, 999, ProviderUnavailable),
        (504, None, RequestLost),
        (200, 190, ProviderConfiguration),
    ],
)
def test_an_error_is_one_problem(status: int, code: Any, problem: type[ProviderProblem]) -> None:
    with pytest.raises(ProviderProblem) as raised:
        receipt_of(error(status, code))

    assert type(raised.value) is problem


def test_details_are_shown_rather_than_titles() -> None:
    problem = problem_of(error(400, 131009, error_data={"messaging_product": "whatsapp", "details": "body is empty"}))

    assert "131009: body is empty" in problem.message


def test_a_message_held_for_its_quality_is_taken() -> None:
    body = {"messages": [{"id": "wamid.1", "message_status": "held_for_quality_assessment"}]}

    assert receipt_of(Answer(status=200, body=json.dumps(body).encode())).message_id == "wamid.1"


@pytest.mark.parametrize("errors", [None, [], [None], "x", [{}], [{"code": 131047}], [{"code": 5, "title": "t"}]])
def test_a_failure_always_has_words(errors: Any) -> None:
    assert failure(errors)

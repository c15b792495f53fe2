"""Why the host ended a delivery can be read in both languages."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from pideai_host.events.delivery_log import DeliveryStatus, LoggedDelivery
from pideai_host.events.reasons import EndReason
from pideai_host.web.log_models import DeliveryOut
from pideai_host.web.reasons import REASONS

ID = UUID(int=1)
AT = datetime(2026, 11, 28, tzinfo=UTC)


def shown(reason):
    row = LoggedDelivery(
        id=ID,
        event_id=ID,
        plugin="probe",
        installation_id=ID,
        event_type="order.ready",
        status=DeliveryStatus.FAILED,
        attempts=1,
        response_code=None,
        error="what the operator reads",
        reason=reason,
        park_reason=None,
        next_attempt_at=None,
        created_at=AT,
        processed_at=AT,
        replay_of=None,
        replayed_at=None,
        is_late=False,
    )
    return DeliveryOut.of(row)


@pytest.mark.parametrize("reason", list(EndReason))
def test_every_reason_has_a_sentence_of_its_own_in_each_language(reason):
    said = REASONS[reason]

    assert said.code is reason
    assert all(words.endswith(".") for words in (said.es, said.en))
    assert [one for one in REASONS.values() if one.es == said.es or one.en == said.en] == [said]


def test_an_owner_is_shown_the_words_beside_what_the_operator_reads():
    assert (shown("too_old").reason, shown("too_old").error) == (REASONS["too_old"], "what the operator reads")


@pytest.mark.parametrize("reason", [None, "of_a_later_version"])
def test_a_reason_that_is_not_known_here_is_none(reason):
    assert shown(reason).reason is None

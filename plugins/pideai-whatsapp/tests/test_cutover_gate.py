"""A change that is the triggers' to announce is not announced again; one that is not decided yet waits."""

from datetime import UTC, datetime

import msgspec
import pytest
from pideai_whatsapp.cutover.gate import answer_of_side, change_of
from pideai_whatsapp.sending.facts import OrderChange

from pideai_host.api import Outcome


@pytest.mark.parametrize(("side", "outcome"), [("triggers", Outcome.DELIVERED), ("wait", Outcome.WAIT), ("host", None)])
def test_each_side_has_its_answer(side, outcome):
    answer = answer_of_side(side)

    assert (None if answer is None else answer.resolved) == outcome


def test_a_status_is_known_by_the_instant_that_its_row_carries_and_a_placed_order_by_none(created, moved):
    at = datetime(2026, 11, 28, 5, tzinfo=UTC)

    assert change_of("order.created", created()) == OrderChange(
        status="created", version=datetime(1970, 1, 1, tzinfo=UTC)
    )
    assert change_of("order.ready", moved("ready", updated_at=at)) == OrderChange(status="ready", version=at)


async def test_what_the_triggers_announced_is_skipped_and_spends_nothing(plugin, records, context, event, created):
    records.known = msgspec.structs.replace(records.known, side="triggers")
    answer = await plugin.handle_event(event("order.created", created()), {"provider": "console"}, context)

    assert (answer.resolved, "skipped" in answer.data) == (Outcome.DELIVERED, True)
    assert (records.rows, context.credits.balance) == ({}, 10)

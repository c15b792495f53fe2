"""The demo's own verdict: it must be able to say no."""

from uuid import UUID

import pytest

from pideai_host.demo.play import check
from pideai_host.demo.progress import Message, Row
from pideai_host.demo.receiver import Received

TEXT = "2 x Arepa reina pepiada, 1 x Papelón con limón"


def row(number, event_type, plugin="webhook-bridge", status="delivered", attempts=1):
    return Row(UUID(int=number), event_type, None, plugin, UUID(int=100 + number), status, attempts, 200, None, "[]")


def all_well():
    rows = [
        row(1, "order.created", attempts=3),
        row(2, "customer.registered"),
        row(3, "order.ready"),
        row(4, "order.completed"),
    ]
    messages = [
        Message(kind, "+58414", TEXT, "sent", "monthly")
        for kind in ("order_confirmation", "order_ready", "order_delivered")
    ]
    received = [Received(str(one.delivery_id), one.type, None, verified=True, status=200) for one in rows]
    return rows, messages, received


def wrong(facts):
    return [what for what, _, is_right in facts if not is_right]


def test_all_is_well_when_all_arrived():
    assert wrong(check(*all_well())) == []


def test_a_failed_delivery_is_not_well():
    rows, messages, received = all_well()
    rows[2] = row(3, "order.ready", status="failed")

    assert wrong(check(rows, messages, received)) == ["deliveries delivered"]


def test_a_missing_message_is_not_well():
    rows, messages, received = all_well()

    assert wrong(check(rows, messages[:2], received)) == ["WhatsApp messages sent"]


def test_a_message_without_the_items_is_not_well():
    rows, messages, received = all_well()
    messages[0] = Message("order_confirmation", "+58414", "Hola", "sent", "monthly")

    assert wrong(check(rows, messages, received)) == ["the confirmation names the items"]


def test_a_bad_signature_is_not_well():
    rows, messages, received = all_well()
    received.append(Received("x", "order.ready", None, verified=False, status=401))

    assert wrong(check(rows, messages, received)) == ["signatures refused"]


def test_a_webhook_that_nobody_got_is_not_well():
    rows, messages, received = all_well()

    assert wrong(check(rows, messages, received[1:])) == ["webhooks taken with a valid signature"]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_retry_that_was_not_seen_is_not_well(attempts):
    rows, messages, received = all_well()
    rows[0] = row(1, "order.created", attempts=attempts)

    assert wrong(check(rows, messages, received)) == ["delivered after 2 refusals"]


def test_an_empty_stage_is_not_well():
    assert len(wrong(check([], [], []))) >= 4

"""Which message an event calls for: each notice is bound to one event, so that none goes out twice."""

from collections.abc import Callable
from typing import Any

import pytest
from pideai_whatsapp.sending.choice import NoMessage, kind_of, why_not
from pideai_whatsapp.sending.switches import ON_FROM_THE_START, Switches
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import EventType, OrderStatusPayload

ALL_ON = Switches(on=frozenset(ON_FROM_THE_START))
STATUSES = ("pending", "confirmed", "preparing", "ready", "out_for_delivery", "delivered", "cancelled")
OWN_EVENT = {
    "ready": EventType.ORDER_READY,
    "delivered": EventType.ORDER_COMPLETED,
    "cancelled": EventType.ORDER_CANCELLED,
}


def choose(event: str, order: Any, switches: Switches, *, was_said: bool = False) -> MessageType | NoMessage:
    kind = kind_of(event, order)
    if isinstance(kind, NoMessage):
        return kind
    return why_not(kind, event, order, switches, was_said=was_said) or kind


def messages_of_a_change(order: OrderStatusPayload, config: Switches) -> list[MessageType]:
    events = [EventType.ORDER_STATUS_CHANGED, *([OWN_EVENT[order.status]] if order.status in OWN_EVENT else [])]
    chosen = [choose(event, order, config) for event in events]
    return [kind for kind in chosen if isinstance(kind, MessageType)]


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("confirmed", []),
        ("preparing", [MessageType.ORDER_PREPARING]),
        ("ready", [MessageType.ORDER_READY]),
        ("out_for_delivery", [MessageType.ORDER_OUT_FOR_DELIVERY]),
        ("delivered", [MessageType.ORDER_DELIVERED]),
        ("cancelled", [MessageType.ORDER_CANCELLED]),
    ],
)
def test_a_change_of_status_calls_for_one_message_through_all_its_events(
    status: str, kinds: list[MessageType], moved: Callable[..., Any]
) -> None:
    assert messages_of_a_change(moved(status), ALL_ON) == kinds


def test_new_order_is_confirmed_on_creation_by_default(created: Callable[..., Any]) -> None:
    assert choose("order.created", created(), Switches()) is MessageType.ORDER_CONFIRMATION


def test_store_that_confirms_later_says_nothing_on_creation(created: Callable[..., Any]) -> None:
    assert isinstance(choose("order.created", created(), Switches(confirmation_on="confirmed")), NoMessage)


def test_store_that_confirms_later_confirms_with_the_status(moved: Callable[..., Any]) -> None:
    config = Switches(confirmation_on="confirmed")

    assert messages_of_a_change(moved("confirmed"), config) == [MessageType.ORDER_CONFIRMATION]


def test_order_that_is_born_confirmed_is_confirmed_at_once(created: Callable[..., Any]) -> None:
    config = Switches(confirmation_on="confirmed")

    assert choose("order.created", created(status="confirmed"), config) is MessageType.ORDER_CONFIRMATION


@pytest.mark.parametrize("previous", ["ready", "out_for_delivery", "delivered"])
def test_driver_who_sets_an_order_back_to_preparing_tells_nobody(previous: str, moved: Callable[..., Any]) -> None:
    assert messages_of_a_change(moved("preparing", previous), ALL_ON) == []


def test_order_that_comes_back_from_cancelled_is_news(moved: Callable[..., Any]) -> None:
    assert messages_of_a_change(moved("preparing", "cancelled"), ALL_ON) == [MessageType.ORDER_PREPARING]


@pytest.mark.parametrize("status", ["preparing", "ready", "out_for_delivery", "delivered", "cancelled"])
def test_each_notice_has_its_switch(status: str, moved: Callable[..., Any]) -> None:
    [kind] = messages_of_a_change(moved(status), ALL_ON)

    assert messages_of_a_change(moved(status), Switches(on=ALL_ON.on - {kind})) == []


def test_confirmation_has_its_switch(created: Callable[..., Any]) -> None:
    assert isinstance(choose("order.created", created(), Switches(on=frozenset())), NoMessage)


@pytest.mark.parametrize("confirmation_on", ["created", "confirmed"])
def test_an_order_is_confirmed_by_one_of_its_two_events_never_both(
    confirmation_on: Any, created: Callable[..., Any], moved: Callable[..., Any]
) -> None:
    switches = Switches(confirmation_on=confirmation_on)
    chosen = [
        choose("order.created", created(), switches),
        choose("order.status_changed", moved("confirmed"), switches),
    ]

    assert [isinstance(one, MessageType) for one in chosen] in ([True, False], [False, True])


def test_what_the_customer_was_told_is_not_told_again(moved: Callable[..., Any]) -> None:
    told = choose("order.status_changed", moved("out_for_delivery", "preparing"), ALL_ON, was_said=True)

    assert isinstance(told, NoMessage)


def test_an_order_that_comes_back_from_cancelled_begins_anew(moved: Callable[..., Any]) -> None:
    told = choose("order.status_changed", moved("preparing", "cancelled"), ALL_ON, was_said=True)

    assert told is MessageType.ORDER_PREPARING


def test_cancellation_is_off_until_the_store_wants_it(moved: Callable[..., Any]) -> None:
    assert messages_of_a_change(moved("cancelled"), Switches()) == []


@pytest.mark.parametrize("status", ["pending", "lost", ""])
def test_status_without_a_notice_calls_for_none(status: str, moved: Callable[..., Any]) -> None:
    assert messages_of_a_change(moved(status), ALL_ON) == []


def test_status_event_without_a_change_calls_for_none(created: Callable[..., Any]) -> None:
    assert isinstance(choose("order.ready", created(), ALL_ON), NoMessage)

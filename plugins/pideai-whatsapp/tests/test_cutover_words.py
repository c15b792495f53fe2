"""What is missing before a cutover, what `status` says, and what it calls wrong."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace
from pideai_whatsapp.cutover.checks import missing_of_host, missing_of_store, remarks_of
from pideai_whatsapp.cutover.rows import CutoverState, HostStanding, Left, Standing, StoreStanding, Trigger
from pideai_whatsapp.cutover.scope import Scope
from pideai_whatsapp.cutover.words import as_data, fault_of, state_word, trigger_word, what_is_left

STORE = UUID(int=7)
HOST = HostStanding(is_captured=True, webhook_heard_at=None, has_worker=True, has_scheduler=True)
READY = StoreStanding(
    id=STORE,
    subdomain="la-arepera",
    has_settings=True,
    is_enabled=True,
    is_connected=True,
    settings={"auto_order_ready": True},
    is_installed=True,
    is_working=False,
    installation_state="disabled",
    config={"provider": "evolution"},
    is_adopted=True,
    state=None,
    since=None,
    templates=6,
)
PLAIN = Trigger(name="t", definition="CREATE TRIGGER t", fires="O")
LEFT_OUT = replace(
    PLAIN, definition="CREATE TRIGGER t WHEN", original=PLAIN.definition, written="CREATE TRIGGER t WHEN"
)


def standing(trigger=PLAIN, *, can_post=True, scope=None):
    return Standing(scope=scope or Scope(), revision=0, triggers=(trigger,), can_post=can_post)


OVER = standing(LEFT_OUT, scope=Scope(listed=frozenset([STORE])))


def test_a_host_that_is_there_lacks_nothing_and_a_webhook_is_a_door_too():
    heard = replace(HOST, is_captured=False, webhook_heard_at=datetime(2026, 11, 28, tzinfo=UTC))

    assert (missing_of_host(HOST), missing_of_host(heard)) == ([], [])


@pytest.mark.parametrize(
    ("change", "word"),
    [({"is_captured": False}, "no door"), ({"has_worker": False}, "worker"), ({"has_scheduler": False}, "scheduler")],
)
def test_what_a_host_lacks_is_named(change, word):
    [fault] = missing_of_host(replace(HOST, **change))

    assert word in fault


def test_a_store_that_has_all_lacks_nothing():
    assert missing_of_store(READY) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"is_installed": False, "installation_state": None}, "not installed"),
        ({"installation_state": "failed"}, "failed"),
        ({"is_connected": False}, "not connected"),
        ({"templates": 5}, "5 of the 6"),
        ({"is_adopted": False}, "confirmationOn"),
        ({"config": {"provider": "evolution", "confirmationOn": "created"}}, "confirmationOn"),
    ],
)
def test_what_a_store_lacks_is_named(change, word):
    [fault] = missing_of_store(replace(READY, **change))

    assert word in fault


@pytest.mark.parametrize("change", [{"is_enabled": False}, {"has_settings": False, "is_enabled": False}])
def test_a_store_that_sends_nothing_today_needs_to_be_installed_and_no_more(change):
    assert missing_of_store(replace(READY, templates=0, is_connected=False, is_adopted=False, **change)) == []


def test_a_switch_that_says_otherwise_than_today_is_remarked():
    differs = replace(READY, config={"autoOrderReady": False, "autoOrderDelivered": True})

    assert remarks_of(differs) == ["switched otherwise than today: autoOrderReady"]
    assert remarks_of(READY) == []


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (standing(), "speaks for every store"),
        (standing(replace(PLAIN, fires="D")), "switched off"),
        (OVER, "speaks for all stores but 1"),
        (standing(LEFT_OUT, scope=Scope(is_over=True, listed=frozenset([STORE]))), "speaks for 1 store alone"),
        (standing(LEFT_OUT, scope=Scope(is_over=True, listed=frozenset([STORE, UUID(int=9)]))), "for 2 stores alone"),
        (standing(LEFT_OUT, scope=Scope(is_over=True, listed=frozenset())), "speaks for no store"),
        (standing(replace(LEFT_OUT, definition="CREATE TRIGGER t")), "replaced by somebody"),
    ],
)
def test_a_trigger_is_told_as_it_is(found, word):
    assert word in trigger_word(found, "t")


def test_a_store_is_told_as_it_is():
    words = [
        state_word(READY, standing()),
        state_word(READY, standing(can_post=False)),
        state_word(replace(READY, state=CutoverState.CUT_OVER), OVER),
    ]

    assert words == ["pending", "not concerned", "cut over"]


@pytest.mark.parametrize(
    ("store", "found", "word"),
    [
        (replace(READY, is_working=True), standing(), "both sides"),
        (replace(READY, is_working=True, state=CutoverState.CUT_OVER), standing(), "both sides"),
        (replace(READY, state=CutoverState.CUT_OVER), OVER, "nobody"),
        (replace(READY, state=CutoverState.PREPARING), standing(), "half-way"),
    ],
)
def test_what_is_wrong_is_said(store, found, word):
    fault = fault_of(store, found)

    assert word in fault
    assert as_data(found, [store], {store.subdomain: fault})["stores"][0]["fault"] == fault


@pytest.mark.parametrize(
    ("store", "found"),
    [
        (READY, standing()),
        (replace(READY, is_working=True, state=CutoverState.CUT_OVER), OVER),
        (replace(READY, is_working=True, state=CutoverState.DRAINING), standing()),
        (replace(READY, is_enabled=False, state=CutoverState.CUT_OVER), OVER),
    ],
)
def test_what_is_as_it_should_be_is_not_called_wrong(store, found):
    assert fault_of(store, found) is None


def test_what_is_waited_for_is_said():
    left = Left(store_id=STORE, captured=2, is_swept=False, pending=3)

    assert what_is_left(left).startswith("waiting for 2 captured changes, 3 deliveries, a sweep")
    assert not left.is_over
    assert Left(store_id=STORE, captured=0, is_swept=True, pending=0).is_over

"""What a store wants: its configuration, else the panel's switches, else what holds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.sending.switches import ON_FROM_THE_START, Switches, said, switches_of
from pideai_whatsapp.text.templates import MessageType

KINDS = st.sampled_from(list(ON_FROM_THE_START))
FLAGS = st.dictionaries(KINDS, st.booleans())


def test_a_new_store_confirms_on_creation_and_an_adopted_one_as_its_customers_know_it() -> None:
    new = switches_of(WhatsAppConfig(), {}, is_adopted=False)
    adopted = switches_of(WhatsAppConfig(), {}, is_adopted=True)

    assert (new.confirmation_on, adopted.confirmation_on) == ("created", "confirmed")


@pytest.mark.parametrize("wanted", ["created", "confirmed"])
@pytest.mark.parametrize("is_adopted", [True, False])
def test_the_owner_who_says_when_to_confirm_is_heard(wanted: Any, is_adopted: bool) -> None:
    assert switches_of(WhatsAppConfig(confirmation_on=wanted), {}, is_adopted=is_adopted).confirmation_on == wanted


def test_without_a_word_all_is_on_but_cancellations_and_carts() -> None:
    assert switches_of(WhatsAppConfig(), {}, is_adopted=False) == Switches()
    assert set(ON_FROM_THE_START) - Switches().on == {MessageType.ORDER_CANCELLED, MessageType.ABANDONED_CART}


@given(configured=FLAGS, panel=FLAGS)
def test_the_configuration_comes_first_then_the_panel_then_what_holds(
    configured: dict[MessageType, bool], panel: dict[MessageType, bool]
) -> None:
    config = WhatsAppConfig(**{f"auto_{kind}": flag for kind, flag in configured.items()})

    on = switches_of(config, panel, is_adopted=False).on

    assert said(config) == configured
    assert on == {kind for kind, default in ON_FROM_THE_START.items() if configured.get(kind, panel.get(kind, default))}

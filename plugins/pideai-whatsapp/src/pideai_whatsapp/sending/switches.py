"""What a store wants to be told to its customers: its configuration, else the panel's switches, else what holds.

The panel still writes the seven flags of ``whatsapp_settings`` by itself, so they are read anew for each message and
count wherever the configuration is silent. A store that sent through WhatsApp before it had this plugin (adopted) goes
on confirming when it confirms, as its customers know it.
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.text.templates import MessageType

ON_FROM_THE_START: Final[Mapping[MessageType, bool]] = {
    MessageType.ORDER_CONFIRMATION: True,
    MessageType.ORDER_PREPARING: True,
    MessageType.ORDER_READY: True,
    MessageType.ORDER_OUT_FOR_DELIVERY: True,
    MessageType.ORDER_DELIVERED: True,
    MessageType.ORDER_CANCELLED: False,
    MessageType.ABANDONED_CART: False,
}
"""The kinds that go by themselves; the values are the defaults of ``whatsapp_settings``."""


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """What one store wants, with nothing left open.

    Attributes:
        on: The kinds that go by themselves.
    """

    confirmation_on: Literal["created", "confirmed"] = "created"
    on: frozenset[MessageType] = frozenset(kind for kind, is_on in ON_FROM_THE_START.items() if is_on)


def said(config: WhatsAppConfig) -> dict[MessageType, bool]:
    """Return the switches that the configuration speaks of."""
    told = {kind: getattr(config, f"auto_{kind}") for kind in ON_FROM_THE_START}
    return {kind: is_on for kind, is_on in told.items() if is_on is not None}


def switches_of(config: WhatsAppConfig, panel: Mapping[MessageType, bool], *, is_adopted: bool) -> Switches:
    """Settle what a store wants.

    Args:
        config: Its configuration.
        panel: The flags of its ``whatsapp_settings`` that are set.
        is_adopted: Whether it sent through WhatsApp before it had the plugin.
    """
    settled = {**ON_FROM_THE_START, **panel, **said(config)}
    return Switches(
        confirmation_on=config.confirmation_on or ("confirmed" if is_adopted else "created"),
        on=frozenset(kind for kind, is_on in settled.items() if is_on),
    )

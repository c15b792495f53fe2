"""One attempt at one message: what it may use, and what is asked before anything is sent, whatever the message is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid5

from pideai_host.api import PluginContext
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.providers.base import Provider
from pideai_whatsapp.providers.choose import provider_for
from pideai_whatsapp.sending.facts import Records

BASE_DOMAIN: Final = "base_domain"
DEFAULT_BASE_DOMAIN: Final = "pideai.com"

_MESSAGE_IDS: Final = UUID("6f0f1a4c-2d0b-5a53-9d0e-5b3f0a7c1e42")


class ProviderFor(Protocol):
    """Makes the provider of one call; see `providers.choose.provider_for`."""

    async def __call__(self, config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> Provider:
        """Return the store's provider."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """What one call of `handle_event` works with."""

    context: PluginContext
    config: WhatsAppConfig
    records: Records
    now: datetime
    provider_for: ProviderFor = provider_for
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def message_id(self) -> UUID:
        """The id of this delivery's own message, the same on every attempt."""
        return message_id_of(self.context)

    @property
    def base_domain(self) -> str:
        """The domain of the stores' pages."""
        return base_domain_of(self.context)


def base_domain_of(context: PluginContext) -> str:
    """Return the domain of the stores' pages."""
    return context.secrets.operator(BASE_DOMAIN) or DEFAULT_BASE_DOMAIN


def message_id_of(context: PluginContext) -> UUID:
    """Return the id of this delivery's row in ``whatsapp_messages``, the same on every attempt."""
    if context.delivery is None:
        raise RuntimeError("handle_event was called outside of a delivery")
    return uuid5(_MESSAGE_IDS, str(context.delivery.id))

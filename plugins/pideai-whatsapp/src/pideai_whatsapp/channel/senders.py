"""Who a call is from, by what it carries, and what it takes to believe it: one line a provider."""

from collections.abc import Callable
from typing import Final, Protocol

from pideai_host.api import PluginContext, WebhookReply, WebhookRequest
from pideai_whatsapp.channel.rows import Whose
from pideai_whatsapp.channel.target import webhook_secrets
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.providers import evolution_webhook
from pideai_whatsapp.providers.signals import Signal


class Sender(Protocol):
    """A provider as one who calls us."""

    @property
    def name(self) -> str:
        """The provider's name, as in the configuration."""

    @property
    def reply(self) -> WebhookReply:
        """What it wants to hear when its call is taken."""

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Tell whether the call is the provider's own, for this store; in constant time."""

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:
        """Tell whether the call is about the store's own instance or number."""

    def read(self, request: WebhookRequest) -> list[Signal]:
        """Return what the call says."""


class EvolutionSender:
    """Evolution: a header with the word that we gave it for the store."""

    name: Final = "evolution"
    reply: Final = WebhookReply()

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Compare with the store's words, all of them."""
        words = webhook_secrets(context.secrets, context.store_id)
        matches = [evolution_webhook.is_genuine(request, word) for word in words]
        return any(matches)

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:  # noqa: ARG002
        """Compare the instance's name."""
        return evolution_webhook.instance_of(request) == whose.instance

    def read(self, request: WebhookRequest) -> list[Signal]:
        """Read the report."""
        return evolution_webhook.read_signals(request)


EVOLUTION: Final = EvolutionSender()

_BY_HEADER: Final[tuple[tuple[str, Callable[[], Sender]], ...]] = ()


def sender_of(request: WebhookRequest) -> Sender:
    """Return who a call says that it is from: signatures have headers of their own, all else is Evolution's."""
    return next((make() for header, make in _BY_HEADER if header in request.headers), EVOLUTION)

"""Who a call is from, by what it carries, and what it takes to believe it: one class a provider."""

from typing import Final, Protocol

from pideai_host.api import PluginContext, WebhookReply, WebhookRequest
from pideai_whatsapp.channel.rows import Whose
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.providers import evolution_webhook, meta_webhook, twilio_webhook
from pideai_whatsapp.providers.choose import (
    PUBLIC_URL,
    meta_app_secret,
    meta_verify_token,
    twilio_auth_token,
    webhook_words,
)
from pideai_whatsapp.providers.signals import Signal


class Sender(Protocol):
    """A provider as one who calls us."""

    @property
    def name(self) -> str:
        """The provider's name, as in the configuration."""

    @property
    def reply(self) -> WebhookReply:
        """What it wants to hear when its call is taken."""

    async def answer_at_once(self, request: WebhookRequest, context: PluginContext) -> WebhookReply | None:
        """Answer a call that only asks whether this address is ours; None for any other."""

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Tell whether the call is the provider's own, for this store; in constant time."""

    def is_outdated(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Tell whether a genuine call goes by a word that is being replaced."""

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:
        """Tell whether the call is about the store's own instance or number."""

    def read(self, request: WebhookRequest, config: WhatsAppConfig) -> list[Signal]:
        """Return what the call says of the store."""


class EvolutionSender:
    """Evolution: a header with the word that we gave it for the store."""

    name: Final = "evolution"
    reply: Final = WebhookReply()

    async def answer_at_once(self, request: WebhookRequest, context: PluginContext) -> WebhookReply | None:
        """Ask nothing."""

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Compare with all of the store's words, so that the time does not tell which it was."""
        matches = [evolution_webhook.is_genuine(request, word) for word in webhook_words(context)]
        return any(matches)

    def is_outdated(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Compare with the word of today."""
        return not evolution_webhook.is_genuine(request, webhook_words(context)[0])

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:  # noqa: ARG002 - as `Sender` has it
        """Compare the instance's name."""
        return evolution_webhook.instance_of(request) == whose.instance

    def read(self, request: WebhookRequest, config: WhatsAppConfig) -> list[Signal]:  # noqa: ARG002 - as `Sender` has it
        """Read the report."""
        return evolution_webhook.read_signals(request)


class TwilioSender:
    """Twilio: signed with the store's auth token, over the address as Twilio knows it."""

    name: Final = "twilio"
    reply: Final = WebhookReply(headers={"content-type": "text/xml"}, body=twilio_webhook.EMPTY_ANSWER)

    async def answer_at_once(self, request: WebhookRequest, context: PluginContext) -> WebhookReply | None:
        """Ask nothing."""

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Check the signature over the public address."""
        token, public_url = await twilio_auth_token(context), context.secrets.operator(PUBLIC_URL)
        if not token or not public_url:
            return False
        query = f"?{request.query}" if request.query else ""
        url = f"{public_url.rstrip('/')}{request.path}{query}"
        return twilio_webhook.is_genuine(request, auth_token=token, url=url)

    def is_outdated(self, request: WebhookRequest, context: PluginContext) -> bool:  # noqa: ARG002 - as `Sender` has it
        """Know of no older word: the owner gives the secret."""
        return False

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:  # noqa: ARG002 - as `Sender` has it
        """Go by the signature: the account is the store's own."""
        return True

    def read(self, request: WebhookRequest, config: WhatsAppConfig) -> list[Signal]:  # noqa: ARG002 - as `Sender` has it
        """Read the report."""
        return twilio_webhook.read_signals(request)


class MetaSender:
    """Meta: signed with the app's secret; of a call for several numbers, only the store's own is read."""

    name: Final = "meta"
    reply: Final = WebhookReply()

    async def answer_at_once(self, request: WebhookRequest, context: PluginContext) -> WebhookReply | None:
        """Answer Meta's challenge, with the store's verify token or the operator's."""
        if request.method != "GET":
            return None
        return meta_webhook.answer_to_challenge(request, await meta_verify_token(context) or "")

    async def is_genuine(self, request: WebhookRequest, context: PluginContext) -> bool:
        """Check the signature over the raw body, with the store's app secret or the operator's."""
        return meta_webhook.is_genuine(request, await meta_app_secret(context) or "")

    def is_outdated(self, request: WebhookRequest, context: PluginContext) -> bool:  # noqa: ARG002 - as `Sender` has it
        """Know of no older word: the owner gives the secret."""
        return False

    def is_for(self, request: WebhookRequest, config: WhatsAppConfig, whose: Whose) -> bool:  # noqa: ARG002 - as `Sender` has it
        """Look for the store's number."""
        return config.meta is not None and config.meta.phone_number_id in meta_webhook.phone_number_ids(request)

    def read(self, request: WebhookRequest, config: WhatsAppConfig) -> list[Signal]:
        """Read what is of the store's number."""
        return [] if config.meta is None else meta_webhook.read_signals(request, config.meta.phone_number_id)


EVOLUTION: Final = EvolutionSender()
TWILIO: Final = TwilioSender()
META: Final = MetaSender()


def sender_of(request: WebhookRequest) -> Sender:
    """Return who a call says that it is from: signatures have headers of their own, all else is Evolution's."""
    if twilio_webhook.SIGNATURE_HEADER in request.headers:
        return TWILIO
    if meta_webhook.SIGNATURE_HEADER in request.headers or request.method == "GET":
        return META
    return EVOLUTION

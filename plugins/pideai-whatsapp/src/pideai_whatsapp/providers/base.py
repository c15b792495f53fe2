"""What a provider of WhatsApp messages does, and the six ways in which it can say no.

What a provider says of its own accord stands in `signals`.

    ProviderProblem              not accepted, or nobody knows
    ├── NotConnected             the store's session is down: wait, nothing is wrong with the message
    ├── InvalidRecipient         the number has no WhatsApp: for good
    ├── MessageRefused           the provider will never take this message: for good
    ├── ProviderConfiguration    the operator's key or address is wrong: wait for the operator
    ├── ProviderUnavailable      it failed for now: try again
    └── RequestLost              the request left and no answer came: it may have been sent

All but `RequestLost` are certain that nothing was sent. Messages are Spanish: the owner reads them.
"""

from typing import Protocol

import msgspec

from pideai_host.api import PluginSignal
from pideai_whatsapp.providers.signals import ConnectionState, Progress, Qr
from pideai_whatsapp.text.phones import Phone


class SendReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A provider took a message over; that it arrives is not said yet.

    Attributes:
        message_id: The provider's own id, by which its later receipts name the message.
    """

    message_id: str
    response_code: int | None = None


class ProviderTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the provider itself keeps, approved by WhatsApp, for customers who have not written for 24 hours.

    Attributes:
        name: Twilio's ContentSid (``HX…``); Meta's name of the template.
        language: Meta's code, such as ``es`` or ``es_MX``; Twilio needs none.
        variables: Values by the names of the template's variables, mostly ``1``, ``2`` and so on.
    """

    name: str
    language: str = "es"
    variables: dict[str, str] = {}


class WebhookTarget(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider reports to, and the word by which its reports are known to be its own."""

    url: str
    secret: str

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"WebhookTarget(url={self.url!r}, secret=***)"


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """How far the linking of a phone is.

    Attributes:
        qr: A code of this session to scan; None when linked, or while no code is known to be fresh.
        doubtful_code: A code that may be the session's before. Pass it as `previous` the next time: once the code
            differs, it is fresh.
    """

    state: ConnectionState
    qr: Qr | None = None
    doubtful_code: str | None = None


class Provider(Protocol):
    """One store's way to its customers.

    No method is idempotent but `look_up`: providers of this kind take no idempotency key. All of them raise
    `ProviderProblem`: it was not accepted, or (`RequestLost`) nobody knows.
    """

    @property
    def name(self) -> str:
        """The provider's name, as in the configuration."""

    @property
    def needs_session(self) -> bool:
        """Whether the store must have linked a phone (``whatsapp_settings.is_connected``) before it can send."""

    async def send_text(self, to: Phone, text: str, *, reference: str | None = None) -> SendReceipt:
        """Hand one text over.

        Args:
            to: The customer.
            text: Not blank.
            reference: Our own id of the message; comes back in the receipts of a provider that can carry it.
        """

    async def send_image(self, to: Phone, *, url: str, caption: str, reference: str | None = None) -> SendReceipt:
        """Hand a picture over; the provider fetches it, from a public https address only (`media.require_public`)."""

    async def send_template(
        self, to: Phone, template: ProviderTemplate, *, reference: str | None = None
    ) -> SendReceipt:
        """Hand over a message that the provider keeps; `MessageRefused` from one that keeps none."""

    async def look_up(self, message_id: str) -> Progress | None:
        """Ask how far a message is, by the provider's id; None where the provider cannot say."""


class SessionProvider(Provider, Protocol):
    """A provider that speaks through a phone which the store has linked."""

    async def link(self, *, webhook: WebhookTarget, number: str | None = None, previous: str | None = None) -> Link:
        """Make the store's instance, or take the one that is there, set its webhook and begin to link. Repeatable.

        Args:
            webhook: Where it reports to; set in the same call that makes the instance.
            number: Digits of the phone to link, for a pairing code beside the QR.
            previous: The last code of the session before, or the last doubtful one; one that repeats it is not shown.
        """

    async def connect(self, *, number: str | None = None, previous: str | None = None) -> Link:
        """Begin to link an instance that is there, or ask for its present code. Arguments as for `link`."""

    async def state(self) -> ConnectionState | None:
        """Ask for the state as the provider sees it, which may be wrong; None if it has no instance of this store."""

    async def restart(self) -> Link:
        """Open the session anew; `NotConnected` when there is none to open."""

    async def log_out(self) -> None:
        """Unlink the phone and keep the instance; that it is unlinked already, or gone, is no problem."""

    async def delete(self) -> None:
        """Remove the instance; that it is gone already is no problem. It may take a moment to disappear."""

    async def set_webhook(self, webhook: WebhookTarget) -> None:
        """Say where the instance reports to, from now on."""


class ProviderProblem(PluginSignal):
    """A message was not accepted, or nobody knows.

    Attributes:
        response_code: HTTP status of the provider's answer, if one came.
        response_body: The beginning of that answer, for the delivery log.
    """

    code = "provider_problem"

    def __init__(self, message: str, *, response_code: int | None = None, response_body: str | None = None) -> None:
        super().__init__(message)
        self.response_code = response_code
        self.response_body = response_body


class NotConnected(ProviderProblem):
    """The store's WhatsApp session is down."""

    code = "not_connected"


class InvalidRecipient(ProviderProblem):
    """The number is not on WhatsApp."""

    code = "invalid_recipient"


class MessageRefused(ProviderProblem):
    """The provider will not take this message, however often it is tried."""

    code = "message_refused"


class ProviderConfiguration(ProviderProblem):
    """The operator's key, address or route is wrong; no message of any store will pass."""

    code = "provider_configuration"


class ProviderUnavailable(ProviderProblem):
    """The provider failed for now; nothing was sent."""

    code = "provider_unavailable"


class RequestLost(ProviderProblem):
    """The request left and no usable answer came: the message may have been sent."""

    code = "request_lost"

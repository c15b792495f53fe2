"""What a provider of WhatsApp messages does, and the six ways in which it can say no.

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

from pideai_host.api import PideaiError
from pideai_whatsapp.text.phones import Phone


class SendReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """A provider took a message over; that it arrives is not said yet.

    Attributes:
        message_id: The provider's own id, by which its later receipts name the message.
    """

    message_id: str
    response_code: int | None = None


class Provider(Protocol):
    """One store's way to its customers."""

    @property
    def name(self) -> str:
        """The provider's name, as in the configuration."""

    @property
    def needs_session(self) -> bool:
        """Whether the store must have linked a phone (``whatsapp_settings.is_connected``) before it can send."""

    async def send_text(self, to: Phone, text: str) -> SendReceipt:
        """Hand one text over. Not idempotent: providers of this kind take no idempotency key.

        Raises:
            ProviderProblem: it was not accepted, or (`RequestLost`) nobody knows.
        """


class ProviderProblem(PideaiError):  # noqa: N818 - a condition, as its children
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

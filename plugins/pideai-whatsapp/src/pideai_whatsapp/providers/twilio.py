"""Twilio: WhatsApp through a sender that Twilio keeps. There is no idempotency key.

A status callback carries our own message id in its query, so that a send whose answer was lost is found again.
"""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx
import msgspec

from pideai_whatsapp.providers.base import MessageRefused, ProviderTemplate, SendReceipt
from pideai_whatsapp.providers.calls import Caller, basic
from pideai_whatsapp.providers.media import require_public
from pideai_whatsapp.providers.signals import Progress
from pideai_whatsapp.providers.twilio_replies import problem_of, progress_of, receipt_of
from pideai_whatsapp.text.phones import Phone

BASE_URL: Final = "https://api.twilio.com"
BODY_MAX_CHARS: Final = 1_600
REFERENCE: Final = "reference"
"""The callback's query field with our message id."""


class TwilioAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Whose messages they are, and with which key they are sent.

    Attributes:
        user: The account's sid, or that of an API key.
        password: The auth token, or the key's secret.
        sender: An E.164 number; or None, and the messaging service chooses.
    """

    account_sid: str
    user: str
    password: str
    sender: str | None = None
    messaging_service_sid: str | None = None

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"TwilioAccount(account_sid={self.account_sid!r}, sender={self.sender!r})"


class TwilioProvider:
    """A store's own Twilio account.

    Args:
        http: The host's client.
        account: The store's.
        callback_url: Where Twilio reports to; None, and `look_up` is all there is.
        base_url: Of Twilio's API.
    """

    name: Final = "twilio"
    needs_session: Final = False

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        account: TwilioAccount,
        callback_url: str | None = None,
        base_url: str = BASE_URL,
    ) -> None:
        credentials = basic(account.user, account.password)
        secrets = (account.password, credentials.removeprefix("Basic "))
        self._caller = Caller(http, who="Twilio", secrets=secrets)
        self._headers = {"authorization": credentials}
        self._account = account
        self._callback_url = callback_url
        self._base = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{quote(account.account_sid, safe='')}/Messages"

    async def send_text(self, to: Phone, text: str, *, reference: str | None = None) -> SendReceipt:
        """POST Messages.json with a Body.

        Raises:
            MessageRefused: longer than Twilio takes, beside what the answer may mean.
        """
        return await self._send(to, {"Body": _short(text)}, reference)

    async def send_image(self, to: Phone, *, url: str, caption: str, reference: str | None = None) -> SendReceipt:
        """POST Messages.json with a MediaUrl; its Body is the caption."""
        fields = {"MediaUrl": require_public(url)}
        if caption:
            fields["Body"] = _short(caption)
        return await self._send(to, fields, reference)

    async def send_template(
        self, to: Phone, template: ProviderTemplate, *, reference: str | None = None
    ) -> SendReceipt:
        """POST Messages.json with a ContentSid and its variables, which are JSON in a form's field."""
        fields = {"ContentSid": template.name}
        if template.variables:
            fields["ContentVariables"] = json.dumps(template.variables, ensure_ascii=False)
        return await self._send(to, fields, reference)

    async def look_up(self, message_id: str) -> Progress | None:
        """GET the message; None if Twilio does not know it."""
        answer = await self._caller.ask("GET", f"{self._base}/{quote(message_id, safe='')}.json", headers=self._headers)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        body = answer.decoded()
        if not answer.is_success or not isinstance(body, dict):
            raise problem_of(answer)
        return progress_of(body)

    async def _send(self, to: Phone, fields: Mapping[str, str], reference: str | None) -> SendReceipt:
        form: dict[str, Any] = {"To": f"whatsapp:{to}", **fields}
        if self._account.messaging_service_sid is not None:
            form["MessagingServiceSid"] = self._account.messaging_service_sid
        if self._account.sender is not None:
            form["From"] = f"whatsapp:{self._account.sender}"
        if self._callback_url is not None:
            query = f"?{urlencode({REFERENCE: reference})}" if reference is not None else ""
            form["StatusCallback"] = f"{self._callback_url}{query}"
        answer = await self._caller.send("POST", f"{self._base}.json", headers=self._headers, data=form)
        return receipt_of(answer)


def _short(text: str) -> str:
    if len(text) > BODY_MAX_CHARS:
        raise MessageRefused(f"El mensaje tiene {len(text)} caracteres; Twilio acepta {BODY_MAX_CHARS}.")
    return text

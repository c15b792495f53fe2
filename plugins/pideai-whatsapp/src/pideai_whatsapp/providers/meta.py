"""Meta's Cloud API: WhatsApp through a business number of the store. There is no idempotency key.

``biz_opaque_callback_data`` carries our own message id, and each status report brings it back, so that a send whose
answer was lost is found again. Whether a number is on WhatsApp cannot be asked; a status report says so.
"""

from typing import Any, Final
from urllib.parse import quote

import httpx
import msgspec

from pideai_whatsapp.providers.base import MessageRefused, ProviderTemplate, SendReceipt
from pideai_whatsapp.providers.calls import Caller
from pideai_whatsapp.providers.media import require_public
from pideai_whatsapp.providers.meta_replies import names_number, receipt_of
from pideai_whatsapp.providers.signals import Progress
from pideai_whatsapp.text.phones import Phone, digits_of

BASE_URL: Final = "https://graph.facebook.com"
BODY_MAX_CHARS: Final = 4_096
CAPTION_MAX_CHARS: Final = 1_024


class MetaNumber(msgspec.Struct, frozen=True, kw_only=True):
    """The number that a store sends from, and the token that may do so."""

    phone_number_id: str
    access_token: str
    api_version: str

    def __repr__(self) -> str:
        """Leave the token out."""
        return f"MetaNumber(phone_number_id={self.phone_number_id!r}, api_version={self.api_version!r})"


class MetaProvider:
    """A store's own business number.

    Args:
        http: The host's client.
        number: The store's.
        base_url: Of Meta's Graph API.
    """

    name: Final = "meta"
    needs_session: Final = False

    def __init__(self, http: httpx.AsyncClient, *, number: MetaNumber, base_url: str = BASE_URL) -> None:
        self._caller = Caller(http, who="WhatsApp Cloud", secrets=(number.access_token,))
        self._headers = {"authorization": f"Bearer {number.access_token}"}
        path = f"{quote(number.api_version, safe='')}/{quote(number.phone_number_id, safe='')}"
        self._number_id = number.phone_number_id
        self._number_url = f"{base_url.rstrip('/')}/{path}"
        self._url = f"{self._number_url}/messages"

    async def send_text(self, to: Phone, text: str, *, reference: str | None = None) -> SendReceipt:
        """POST a text; WhatsApp takes it within 24 hours of the customer's last message.

        Raises:
            MessageRefused: longer than WhatsApp takes, beside what the answer may mean.
        """
        text = _short(text, BODY_MAX_CHARS)
        return await self._send(to, {"type": "text", "text": {"body": text, "preview_url": False}}, reference)

    async def send_image(self, to: Phone, *, url: str, caption: str, reference: str | None = None) -> SendReceipt:
        """POST a picture by its address, which Meta fetches."""
        image = {"link": require_public(url)}
        if caption:
            image["caption"] = _short(caption, CAPTION_MAX_CHARS)
        return await self._send(to, {"type": "image", "image": image}, reference)

    async def send_template(
        self, to: Phone, template: ProviderTemplate, *, reference: str | None = None
    ) -> SendReceipt:
        """POST a template that Meta has approved; its variables are those of its body."""
        content: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
        if template.variables:
            content["components"] = [{"type": "body", "parameters": _parameters(template.variables)}]
        return await self._send(to, {"type": "template", "template": content}, reference)

    async def look_up(self, message_id: str) -> Progress | None:  # noqa: ARG002 - as `Provider` has it
        """Know nothing: only webhooks say how far a message is."""
        return None

    async def has_number(self) -> bool:
        """Ask whether the token opens the number; Meta shows one to those who may use it.

        Raises:
            ProviderConfiguration: the address cannot be used.
            ProviderUnavailable: no usable answer came.
        """
        fields = {"fields": "id,display_phone_number"}
        answer = await self._caller.ask("GET", self._number_url, headers=self._headers, params=fields)
        return names_number(answer, self._number_id)

    async def _send(self, to: Phone, content: dict[str, Any], reference: str | None) -> SendReceipt:
        message = {"messaging_product": "whatsapp", "recipient_type": "individual", "to": digits_of(to), **content}
        if reference is not None:
            message["biz_opaque_callback_data"] = reference
        return receipt_of(await self._caller.send("POST", self._url, headers=self._headers, json=message))


def _parameters(variables: dict[str, str]) -> list[dict[str, str]]:
    """Write the variables as Meta wants them: by position where they are numbered, else by name."""
    if all(name.isascii() and name.isdigit() for name in variables):
        return [{"type": "text", "text": variables[name]} for name in sorted(variables, key=int)]
    return [{"type": "text", "parameter_name": name, "text": text} for name, text in variables.items()]


def _short(text: str, max_chars: int) -> str:
    if len(text) > max_chars:
        raise MessageRefused(f"El mensaje tiene {len(text)} caracteres; WhatsApp acepta {max_chars}.")
    return text

"""Evolution API 2.3.6 and 2.3.7: WhatsApp through a phone that the store has linked.

A receipt means "handed to the socket"; whether the message arrived comes later, by webhook. There is no idempotency
key: a request that left without an answer must never be repeated blindly. Numbers are not looked up beforehand: the
server does so itself with each send, and many look-ups get a phone banned.
"""

from typing import Any, Final
from urllib.parse import quote

import httpx

from pideai_whatsapp.providers.base import (
    Link,
    MessageRefused,
    NotConnected,
    ProviderTemplate,
    ProviderUnavailable,
    SendReceipt,
    WebhookTarget,
)
from pideai_whatsapp.providers.calls import Answer, Caller
from pideai_whatsapp.providers.evolution_links import link_of, made_link_of, state_of
from pideai_whatsapp.providers.evolution_replies import (
    complaint_of,
    is_gone,
    is_logged_out,
    is_name_in_use,
    problem_of,
    receipt_of,
)
from pideai_whatsapp.providers.media import require_public
from pideai_whatsapp.providers.signals import ConnectionState, Progress
from pideai_whatsapp.text.phones import Phone, digits_of

SECRET_HEADER: Final = "x-pideai-secret"  # noqa: S105 - a header's name
"""The header of each webhook by which `evolution_webhook.is_genuine` knows it."""

EVENTS: Final = (
    "QRCODE_UPDATED",
    "CONNECTION_UPDATE",
    "MESSAGES_UPSERT",
    "MESSAGES_UPDATE",
    "SEND_MESSAGE",
    "STATUS_INSTANCE",
    "LOGOUT_INSTANCE",
    "REMOVE_INSTANCE",
)


class EvolutionProvider:
    """One instance of an Evolution server, which is one store's phone.

    Args:
        http: The host's client.
        url: The server's base address.
        key: Its global key.
        instance: The store's instance, in any spelling: it cannot leave its place in the path.
    """

    name: Final = "evolution"
    needs_session: Final = True

    def __init__(self, http: httpx.AsyncClient, *, url: str, key: str, instance: str) -> None:
        self._caller = Caller(http, who="Evolution", secrets=(key,))
        self._base = url.rstrip("/")
        self._headers = {"apikey": key}
        self._instance = instance

    async def send_text(self, to: Phone, text: str, *, reference: str | None = None) -> SendReceipt:  # noqa: ARG002 - as `Provider` has it
        """POST sendText."""
        return await self._send("sendText", {"number": digits_of(to), "text": text})

    async def send_image(
        self,
        to: Phone,
        *,
        url: str,
        caption: str,
        reference: str | None = None,  # noqa: ARG002 - as `Provider` has it
    ) -> SendReceipt:
        """POST sendMedia; the server fetches the picture, so only from an address that anyone can reach."""
        body = {"number": digits_of(to), "mediatype": "image", "media": require_public(url), "caption": caption}
        return await self._send("sendMedia", body)

    async def send_template(
        self,
        to: Phone,  # noqa: ARG002 - as `Provider` has it
        template: ProviderTemplate,  # noqa: ARG002 - as `Provider` has it
        *,
        reference: str | None = None,  # noqa: ARG002 - as `Provider` has it
    ) -> SendReceipt:
        """Refuse: a linked phone has no templates of WhatsApp's."""
        raise MessageRefused("Evolution no tiene plantillas de WhatsApp; envía el texto.")

    async def look_up(self, message_id: str) -> Progress | None:  # noqa: ARG002 - as `Provider` has it
        """Know nothing: only webhooks say how far a message is."""
        return None

    async def link(self, *, webhook: WebhookTarget, number: str | None = None, previous: str | None = None) -> Link:
        """POST create with its webhook; if the name is in use, set the webhook of that instance and connect it.

        The server takes at least 5 s to make an instance. An instance that is being deleted still holds its name for
        a moment, which is `ProviderUnavailable`.
        """
        body: dict[str, Any] = {
            "instanceName": self._instance,
            "integration": "WHATSAPP-BAILEYS",
            "qrcode": True,
            "webhook": _webhook(webhook),
        }
        if number is not None:
            body["number"] = number
        answer = await self._caller.ask(
            "POST", f"{self._base}/instance/create", headers=self._headers, hidden=(webhook.secret,), json=body
        )
        if answer.is_success:
            return made_link_of(answer)
        if not is_name_in_use(answer):
            raise problem_of(answer)
        await self.set_webhook(webhook)
        return await self.connect(number=number, previous=previous)

    async def connect(self, *, number: str | None = None, previous: str | None = None) -> Link:
        """GET connect: 2 s for an instance that was closed."""
        query = f"?number={quote(number, safe='')}" if number is not None else ""
        answer = await self._ask("GET", "/instance/connect", query=query)
        return link_of(answer, previous=previous)

    async def state(self) -> ConnectionState | None:
        """GET connectionState."""
        answer = await self._ask("GET", "/instance/connectionState")
        return None if is_gone(answer) else state_of(answer)

    async def restart(self) -> Link:
        """POST restart; an answer of "open" is the old session's word, the new one reports by webhook.

        Raises:
            NotConnected: there is no session to open anew; the server says so with 200.
        """
        answer = await self._ask("POST", "/instance/restart")
        if answer.is_success and complaint_of(answer.body).is_error:
            raise NotConnected("El WhatsApp de la tienda no está enlazado; hay que enlazarlo de nuevo.")
        return link_of(answer, previous=None)

    async def log_out(self) -> None:
        """DELETE logout.

        Raises:
            NotConnected: the server's socket is dead, so it cannot say good-bye; `delete` drops the session anyway.
        """
        answer = await self._ask("DELETE", "/instance/logout")
        if not (is_logged_out(answer) or is_gone(answer)):
            raise problem_of(answer)

    async def delete(self) -> None:
        """DELETE delete."""
        answer = await self._ask("DELETE", "/instance/delete")
        if not (is_gone(answer) or (answer.is_success and not complaint_of(answer.body).is_error)):
            raise problem_of(answer)

    async def set_webhook(self, webhook: WebhookTarget) -> None:
        """POST webhook/set, always with its list of events: without one the server falls over.

        Raises:
            ProviderUnavailable: the instance is just disappearing.
        """
        answer = await self._ask("POST", "/webhook/set", hidden=(webhook.secret,), json={"webhook": _webhook(webhook)})
        if is_gone(answer):
            raise ProviderUnavailable("La instancia de WhatsApp se está borrando; inténtalo en un momento.")
        if not answer.is_success:
            raise problem_of(answer)

    async def _send(self, route: str, body: dict[str, Any]) -> SendReceipt:
        url = f"{self._base}/message/{route}/{quote(self._instance, safe='')}"
        return receipt_of(await self._caller.send("POST", url, headers=self._headers, json=body))

    async def _ask(self, method: str, path: str, *, query: str = "", **content: Any) -> Answer:
        url = f"{self._base}{path}/{quote(self._instance, safe='')}{query}"
        return await self._caller.ask(method, url, headers=self._headers, **content)


def _webhook(target: WebhookTarget) -> dict[str, Any]:
    return {
        "enabled": True,
        "url": target.url,
        "byEvents": False,
        "base64": False,
        "headers": {SECRET_HEADER: target.secret},
        "events": list(EVENTS),
    }

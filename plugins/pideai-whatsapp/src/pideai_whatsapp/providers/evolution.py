"""Evolution API 2.3.x: WhatsApp through a phone that the store has linked.

A receipt means "handed to the socket"; whether the message arrived comes later, by webhook. There is no idempotency
key: a request that left without an answer must never be repeated blindly.
"""

from typing import Final
from urllib.parse import quote

import httpx

from pideai_host.api import AddressRefused
from pideai_whatsapp.providers.base import (
    ProviderConfiguration,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.evolution_replies import receipt_of
from pideai_whatsapp.text.phones import Phone, digits_of

TIMEOUT: Final = httpx.Timeout(connect=5.0, write=5.0, read=20.0, pool=5.0)
"""Below the hook's own limit, so that a slow server is told apart from a lost worker."""

_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER_POSSIBLE: Final = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class EvolutionProvider:
    """One instance of an Evolution server, which is one store's phone."""

    name: Final = "evolution"
    needs_session: Final = True

    def __init__(self, http: httpx.AsyncClient, *, url: str, key: str, instance: str) -> None:
        self._http = http
        self._send_text_url = f"{url.rstrip('/')}/message/sendText/{quote(instance, safe='')}"
        self._key = key

    async def send_text(self, to: Phone, text: str) -> SendReceipt:
        """POST sendText, on a connection of its own.

        A kept connection that the server closes just then would leave every such message in doubt.

        Raises:
            ProviderProblem: see `evolution_replies.problem_of`; `ProviderUnavailable` when no connection came about,
                `RequestLost` when the connection broke or fell silent after that.
        """
        try:
            response = await self._http.post(
                self._send_text_url,
                json={"number": digits_of(to), "text": text},
                headers={"apikey": self._key, "connection": "close"},
                timeout=TIMEOUT,
            )
        except (*_NEVER_POSSIBLE, AddressRefused) as problem:
            raise ProviderConfiguration("La dirección de Evolution no se puede usar.") from problem
        except _NEVER_LEFT as problem:
            raise ProviderUnavailable(f"Evolution no está disponible ({type(problem).__name__}).") from problem
        except httpx.RequestError as problem:
            raise RequestLost(
                f"La respuesta de Evolution se perdió ({type(problem).__name__}); no se sabe si envió el mensaje."
            ) from problem
        # A server that echoes its request must not carry the operator's key into the delivery log.
        return receipt_of(response.status_code, response.content.replace(self._key.encode(), b"***"))

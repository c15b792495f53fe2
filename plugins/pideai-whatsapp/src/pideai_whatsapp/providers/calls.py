"""One HTTP call to a provider: what may leave, what may have left, and nothing secret in what comes back."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

import httpx
import msgspec

from pideai_host.api import AddressRefused
from pideai_whatsapp.providers.base import ProviderConfiguration, ProviderUnavailable, RequestLost
from pideai_whatsapp.providers.outside import decoded, printable

TIMEOUT: Final = httpx.Timeout(connect=5.0, write=5.0, read=20.0, pool=5.0)
"""Below the hook's own limit, so that a slow server is told apart from a lost worker."""

BODY_CHARS: Final = 2_000
WORDS_CHARS: Final = 300

_NEVER_LEFT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_NEVER_POSSIBLE: Final = (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider answered, without the caller's secrets."""

    status: int
    body: bytes

    @property
    def is_success(self) -> bool:
        """A status of 200 to 299; what the body says is another matter."""
        return 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own classes

    def decoded(self) -> Any:
        """Return the body's JSON; None if it is none."""
        return decoded(self.body)

    def shown(self, max_chars: int = BODY_CHARS) -> str:
        """Return the beginning of the body, fit for a log."""
        return printable(self.body[: 4 * max_chars].decode("utf-8", "replace"), max_chars)


class Caller:
    """Calls one provider.

    Every call has a connection of its own: a kept one that the server closes just then would leave each such message
    in doubt. Redirects are not followed, by the host's client.

    Args:
        http: The host's client.
        who: The provider's name, for the owner.
        secrets: Whatever of the request must not come back in an answer, a log or an error.
    """

    def __init__(self, http: httpx.AsyncClient, *, who: str, secrets: tuple[str, ...]) -> None:
        self._http = http
        self._who = who
        self._secrets = _spellings(*secrets)

    async def send(self, method: str, url: str, *, headers: Mapping[str, str], **content: Any) -> Answer:
        """Make a call that must not be made twice.

        Raises:
            ProviderConfiguration: the address cannot be used.
            ProviderUnavailable: no connection came about; nothing left.
            RequestLost: the connection broke or fell silent after that.
        """
        try:
            return await self._call(method, url, headers, content)
        except httpx.RequestError as problem:
            raise RequestLost(
                f"La respuesta de {self._who} se perdió ({type(problem).__name__}); no se sabe si envió el mensaje."
            ) from problem

    async def ask(
        self, method: str, url: str, *, headers: Mapping[str, str], hidden: tuple[str, ...] = (), **content: Any
    ) -> Answer:
        """Make a call that may be made again.

        Args:
            method: HTTP's.
            url: In full.
            headers: With the credentials.
            hidden: Secrets of this call alone.
            content: As httpx takes it: `json`, `data` or `params`.

        Raises:
            ProviderConfiguration: the address cannot be used.
            ProviderUnavailable: no usable answer came.
        """
        try:
            return await self._call(method, url, headers, content, _spellings(*hidden))
        except httpx.RequestError as problem:
            raise ProviderUnavailable(f"{self._who} no respondió ({type(problem).__name__}).") from problem

    async def _call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: Mapping[str, Any],
        hidden: tuple[bytes, ...] = (),
    ) -> Answer:
        try:
            response = await self._http.request(
                method, url, headers={**headers, "connection": "close"}, timeout=TIMEOUT, **content
            )
        except (*_NEVER_POSSIBLE, AddressRefused) as problem:
            raise ProviderConfiguration(f"La dirección de {self._who} no se puede usar.") from problem
        except _NEVER_LEFT as problem:
            raise ProviderUnavailable(f"{self._who} no está disponible ({type(problem).__name__}).") from problem
        body = response.content
        for secret in (*self._secrets, *hidden):
            body = body.replace(secret, b"***")
        return Answer(status=response.status_code, body=body)


def basic(user: str, password: str) -> str:
    """Return the value of an ``Authorization`` header."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def _spellings(*secrets: str) -> tuple[bytes, ...]:
    """Return the ways in which a server may echo a secret."""
    ways = [way for secret in secrets if secret for way in (secret, quote(secret, safe=""), quote_plus(secret))]
    return tuple(way.encode() for way in dict.fromkeys(ways))

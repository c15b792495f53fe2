"""What is asked for, in httpx's types, without the work that they do again for each request.

httpx parses the URL, normalizes the headers three times over and writes both out again. The same few URLs and names of
headers come all day, so what is known of them is kept.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

import pideai_host

KEPT_URL_CHARS: Final = 2_048
"""URLs up to this length are kept, and names of headers up to `KEPT_NAME_CHARS`."""

KEPT_NAME_CHARS: Final = 64

Field = tuple[bytes, bytes, bytes]
"""A header as `httpx.Headers` keeps it: its name, the name in lower case, its value."""

ALWAYS: Final[tuple[Field, ...]] = (
    (b"accept", b"accept", b"*/*"),
    (b"accept-encoding", b"accept-encoding", b"identity"),
    (b"user-agent", b"user-agent", f"PideAI-Host/{pideai_host.__version__}".encode()),
)
"""Sent with every request that does not say otherwise."""


class KnownUrl(httpx.URL):
    """A URL that is written out once."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = super().__str__()

    def __str__(self) -> str:
        return self._text

    @functools.cached_property
    def netloc(self) -> bytes:
        """The host, with the port unless it is the scheme's own."""
        return super().netloc


class KnownHeaders(httpx.Headers):
    """Headers of which nothing has to be worked out."""

    def __init__(self, fields: list[Field]) -> None:
        self._list = fields
        self._encoding = None

    @property
    def fields(self) -> list[Field]:
        """All of them, in their order."""
        return self._list


class BytesRequest(httpx.Request):
    """What `httpx.Request` makes of a body that is bytes."""

    def __init__(self, method: str, url: httpx.URL, headers: Any, body: bytes, about: dict[str, Any]) -> None:
        # Not the base's, which would take apart what is ready.
        host, length = (b"Host", b"host", url.netloc), (b"Content-Length", b"content-length", b"%d" % len(body))
        self.method = method.upper()
        self.url = url
        self.headers = headers_of(headers, (host, *ALWAYS, length))
        self.extensions = about
        self.stream = httpx.ByteStream(body)
        self._content = body


def known_url(text: str) -> httpx.URL:
    """Return a URL.

    Raises:
        httpx.InvalidURL: it cannot be read.
    """
    return _kept_url(text) if len(text) <= KEPT_URL_CHARS else httpx.URL(text)


def headers_of(given: Any, beside: tuple[Field, ...] = ALWAYS) -> KnownHeaders:
    """Return headers that are given, in whatever way httpx takes them, behind those of `beside` that are not.

    Raises:
        TypeError: a value is neither str nor bytes.
        UnicodeEncodeError: a str is not ASCII.
    """
    if given is None:
        return KnownHeaders(list(beside))
    own = [
        (*_name(name), value.encode("ascii") if type(value) is str else _bytes(value)) for name, value in _pairs(given)
    ]
    names = {name for _, name, _ in own}
    return KnownHeaders([one for one in beside if one[1] not in names] + own)


def _pairs(headers: Any) -> Iterable[tuple[str | bytes, str | bytes]]:
    if isinstance(headers, httpx.Headers):
        return headers.raw
    pairs: Iterable[tuple[str | bytes, str | bytes]] = headers.items() if isinstance(headers, Mapping) else headers
    return pairs


def _name(name: str | bytes) -> tuple[bytes, bytes]:
    return _kept_name(name) if len(name) <= KEPT_NAME_CHARS else _read_name(name)


def _read_name(name: str | bytes) -> tuple[bytes, bytes]:
    raw = name if isinstance(name, bytes) else name.encode("ascii")
    return raw, raw.lower()


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError(f"Header value must be str or bytes, not {type(value)}")
    return value


_kept_url = functools.lru_cache(maxsize=1_024)(KnownUrl)
_kept_name = functools.lru_cache(maxsize=512)(_read_name)

"""What is asked for, in httpx's types, without the work that they do again for each request.

httpx parses the URL, normalizes the headers three times over and writes both out again. The same few URLs and names of
headers come all day, so what is known of them is kept.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import httpx

import pideai_host

KEPT_URL_CHARS: Final = 2_048
"""URLs up to this length are kept."""

NAME_MAX_CHARS: Final = 256
"""A header's name is no longer, nor is it in any standard."""

TOKEN: Final = re.compile(r"[-!#$%&'*+.^_`|~0-9a-zA-Z]+")
"""What HTTP allows as a method and as the name of a header."""

Field = tuple[bytes, bytes, bytes]
"""A header as `httpx.Headers` keeps it: its name, the name in lower case, its value."""

ALWAYS: Final = {
    b"accept": b"*/*",
    b"accept-encoding": b"identity",
    b"user-agent": f"PideAI-Host/{pideai_host.__version__}".encode(),
}
"""Sent with every request that does not say otherwise."""

_ALWAYS_LINES: Final = [(name, name + b": " + value) for name, value in ALWAYS.items()]
_FRAMING: Final = frozenset({b"content-length", b"expect", b"host", b"transfer-encoding"})


class KnownUrl(httpx.URL):
    """A URL that is written out once."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = super().__str__()
        self.host_line = b"Host: " + self.netloc

    def __str__(self) -> str:
        return self._text


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
    """What `httpx.Request` makes of a body that is bytes and of headers that say nothing of it.

    Attributes:
        lines: The headers as they go out; None from the moment that somebody asks for `headers`, and may change them.
    """

    def __init__(self, method: str, url: httpx.URL, lines: list[bytes], body: bytes, about: dict[str, Any]) -> None:
        # Not the base's, which would take apart what is ready.
        self.method = method.upper()
        self.url = url
        self.lines: list[bytes] | None = lines
        self.extensions = about
        self.stream = httpx.ByteStream(body)
        self._content = body

    @functools.cached_property
    def headers(self) -> httpx.Headers:  # type: ignore[override] # the base sets it when it is made
        """What httpx calls headers."""
        lines, self.lines = self.lines or [], None
        pairs = (line.split(b": ", 1) for line in lines)
        return KnownHeaders([(name, name.lower(), value) for name, value in pairs])


def request_of_bytes(
    method: str, url: httpx.URL | str, headers: Any, body: bytes, about: dict[str, Any]
) -> httpx.Request:
    """Return a request with a body of bytes, its headers whatever httpx takes for headers.

    Raises:
        httpx.InvalidURL: the URL cannot be read.
        httpx.LocalProtocolError: the name of a header is none.
        TypeError: a value is neither str nor bytes.
        UnicodeEncodeError: a str is not ASCII.
    """
    known = url if isinstance(url, KnownUrl) else known_url(str(url))
    lines = _lines(headers, known, len(body)) if headers is None or type(headers) is dict else None
    if lines is not None:
        return BytesRequest(method, known, lines, body, about)
    host, length = (b"Host", b"host", known.netloc), (b"Content-Length", b"content-length", b"%d" % len(body))
    made = httpx.Request(
        method, known, headers=headers_of(headers, host, length), stream=httpx.ByteStream(body), extensions=about
    )
    made.read()
    return made


def headers_of(given: Any, *beside: Field) -> KnownHeaders:
    """Return headers that are given, behind those of `beside` and `ALWAYS` that are not.

    Raises as `request_of_bytes`.
    """
    known = ((*_name(name), _value(value)) for name, value in _pairs(given))
    own = [(begin[:-2], lower, value) for begin, lower, value in known]
    names = {lower for _, lower, _ in own}
    always = ((name, name, value) for name, value in ALWAYS.items())
    return KnownHeaders([one for one in (*beside, *always) if one[1] not in names] + own)


def known_url(text: str) -> KnownUrl:
    """Return a URL; raises `httpx.InvalidURL` when it cannot be read."""
    return _kept_url(text) if len(text) <= KEPT_URL_CHARS else KnownUrl(text)


def _lines(given: dict[Any, Any] | None, url: KnownUrl, body_bytes: int) -> list[bytes] | None:
    """Return the lines of a head, None where they take more than writing down: framing, a name that comes twice."""
    own = {}
    for name, value in given.items() if given else ():
        begin, lower = _name(name)
        own[lower] = begin + (value.encode("ascii") if type(value) is str else _value(value))
    if len(own) != len(given or ()) or not _FRAMING.isdisjoint(own):
        return None
    always = [line for name, line in _ALWAYS_LINES if name not in own]
    return [url.host_line, *always, b"Content-Length: %d" % body_bytes, *own.values()]


def _pairs(headers: Any) -> Iterable[tuple[str | bytes, str | bytes]]:
    if headers is None:
        return ()
    if isinstance(headers, httpx.Headers):
        return headers.raw
    pairs: Iterable[tuple[str | bytes, str | bytes]] = headers.items() if isinstance(headers, Mapping) else headers
    return pairs


@functools.lru_cache(maxsize=512)
def _name(name: str | bytes) -> tuple[bytes, bytes]:
    """Return how the line of a header begins, and its name in lower case."""
    raw = name if isinstance(name, bytes) else name.encode("ascii")
    if len(raw) > NAME_MAX_CHARS or TOKEN.fullmatch(raw.decode("latin-1")) is None:
        raise httpx.LocalProtocolError("a header has a name that HTTP does not allow")
    return raw + b": ", raw.lower()


def _value(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode("ascii")
    if not isinstance(value, bytes):
        raise TypeError(f"Header value must be str or bytes, not {type(value)}")
    return value


_kept_url = functools.lru_cache(maxsize=1_024)(KnownUrl)

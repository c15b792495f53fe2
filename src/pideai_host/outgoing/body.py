"""A response's body within bounds: a receiver cannot fill the host's memory, neither with much nor with a zip bomb."""

import zlib
from typing import Final

import httpx

_WINDOW_BITS: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class BodyBounds:
    """Takes a body chunk by chunk, undoes its encoding, and stops what grows beyond `max_bytes` decoded.

    The host asks for no encoding; gzip and deflate are undone all the same, since some servers send them unasked.
    """

    __slots__ = ("_encoding", "_left", "_max_bytes", "_unzip")

    def __init__(self, encoding: str, max_bytes: int) -> None:
        self._encoding = encoding.strip().lower()
        self._max_bytes = self._left = max_bytes
        bits = _WINDOW_BITS.get(self._encoding)
        self._unzip = None if bits is None else zlib.decompressobj(bits)

    @property
    def is_plain(self) -> bool:
        """Chunks pass as they are."""
        return self._encoding in ("", "identity")

    def take(self, chunk: bytes) -> bytes:
        """Return what a chunk holds.

        Raises:
            httpx.ReadError: more than `max_bytes` in all.
            httpx.DecodingError: not what its Content-Encoding says, or one that is not known.
        """
        data = chunk if self.is_plain else self._decode(chunk)
        self._left -= len(data)
        if self._left < 0:
            raise httpx.ReadError(f"the response body is larger than {self._max_bytes} bytes")
        return data

    def end(self) -> None:
        """Check that nothing is missing at the end.

        Raises:
            httpx.DecodingError: the encoded body was cut short.
        """
        if self._unzip is not None and not self._unzip.eof and self._left < self._max_bytes:
            raise httpx.DecodingError(f"the {self._encoding} body ends too early")

    def _decode(self, chunk: bytes) -> bytes:
        if self._unzip is None:
            raise httpx.DecodingError("a Content-Encoding that was not asked for")
        try:
            return self._unzip.decompress(chunk, self._left + 1)
        except zlib.error as error:
            raise httpx.DecodingError(f"the body is not {self._encoding}") from error

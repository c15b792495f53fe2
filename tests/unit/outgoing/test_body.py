import gzip
import zlib

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.outgoing.body import BodyBounds


def read(bounds: BodyBounds, data: bytes, chunk_bytes: int) -> bytes:
    parts = [bounds.take(data[at : at + chunk_bytes]) for at in range(0, len(data), chunk_bytes)]
    bounds.end()
    return b"".join(parts)


@given(st.binary(max_size=500), st.integers(1, 40), st.sampled_from(["", "identity", "gzip", "X-GZip", " deflate"]))
def test_a_body_within_bounds_comes_out_as_it_was(body: bytes, chunk_bytes: int, encoding: str) -> None:
    encode = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress}
    sent = encode.get(encoding.strip().lower(), bytes)(body)

    assert read(BodyBounds(encoding, 500), sent, chunk_bytes) == body


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_one_byte_more_than_allowed_is_refused(encoding: str) -> None:
    body = b"x" * 101
    sent = gzip.compress(body) if encoding else body

    with pytest.raises(httpx.ReadError, match="100 bytes"):
        read(BodyBounds(encoding, 100), sent, 4_096)


def test_a_zip_bomb_is_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    bounds = BodyBounds("gzip", 1_000)

    with pytest.raises(httpx.ReadError):
        bounds.take(bomb)


def test_an_encoding_nobody_asked_for_is_an_error_of_the_body_only() -> None:
    bounds = BodyBounds("br", 1_000)

    with pytest.raises(httpx.DecodingError):
        bounds.take(b"\x8b\x00\x80")


def test_garbage_in_place_of_gzip_is_a_decoding_error() -> None:
    with pytest.raises(httpx.DecodingError):
        BodyBounds("gzip", 1_000).take(b"plain text")


def test_a_zipped_body_cut_short_is_a_decoding_error() -> None:
    bounds = BodyBounds("gzip", 1_000)
    bounds.take(gzip.compress(b"hello" * 50)[:-9])

    with pytest.raises(httpx.DecodingError, match="too early"):
        bounds.end()


def test_an_empty_body_needs_no_encoding() -> None:
    bounds = BodyBounds("gzip", 1_000)

    bounds.end()

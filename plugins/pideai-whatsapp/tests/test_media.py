"""A store's picture may be fetched from the open internet only: the provider stands beside the operator's services."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_whatsapp.providers.base import MessageRefused
from pideai_whatsapp.providers.media import require_public


@pytest.mark.parametrize(
    "url",
    [
        "https://cdn.pideai.com/arepa.jpg",
        "https://abc.supabase.co/storage/v1/object/public/x/y.png?token=1",
        "https://CDN.PideAI.com/arepa.jpg",
        "https://cdn.pideai.com:443/arepa.jpg",
        "https://xn--caf-dma.com/a.png",
    ],
)
def test_a_public_https_address_is_taken_as_it_is(url: str) -> None:
    assert require_public(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.pideai.com/arepa.jpg",
        "ftp://cdn.pideai.com/arepa.jpg",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "//cdn.pideai.com/a.png",
        "arepa.jpg",
        "",
        "https://",
        "https://localhost/a.png",
        "https://minio:9000/a.png",
        "https://minio/a.png",
        "https://127.0.0.1/a.png",
        "https://127.1/a.png",
        "https://2130706433/a.png",
        "https://0x7f000001/a.png",
        "https://0x7f.1/a.png",
        "https://[::1]/a.png",
        "https://[::ffff:10.0.0.1]/a.png",
        "https://8.8.8.8/a.png",
        "https://169.254.169.254/latest/meta-data",
        "https://metadata.google.internal/x",
        "https://metadata.goog/x",
        "https://printer.local/a.png",
        "https://db.svc/a.png",
        "https://web.default.svc.cluster.local/a.png",
        "https://10.0.0.1.nip.io/a.png",
        "https://a-10-0-0-1.sslip.io/a.png",
        "https://user:pass@cdn.pideai.com/a.png",
        "https://cdn.pideai.com@127.0.0.1/a.png",
        "https://cdn.pideai.com:8443/a.png",
        "https://cdn.pideai.com:99999/a.png",
        "https://cdn.pideai.com./a.png",
        "https://cdn.pideai.com\\@127.0.0.1/a.png",
        "https://cdn.pideai.com/a b.png",
        "https://cdn.pideai.com/\r\nX: y",
        "https://café.com/a.png",
        "https://cdn.pideai.com/" + "a" * 3_000,
    ],
)
def test_any_other_address_is_refused_and_says_why(url: str) -> None:
    with pytest.raises(MessageRefused) as raised:
        require_public(url)

    assert "imagen" in raised.value.message
    assert len(raised.value.message) < 120


@given(st.text() | st.text().map("https://{}".format))
def test_any_text_is_taken_or_refused(url: str) -> None:
    with contextlib.suppress(MessageRefused):
        assert require_public(url) == url

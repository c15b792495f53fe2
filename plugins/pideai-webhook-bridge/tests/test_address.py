import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_webhook_bridge.address import url_fault

SOUND = [
    "https://example.com/hook",
    "https://example.com:8443/a?b=c",
    "https://tienda.ñandú.com/",
    "http://localhost:3000/hook",
    "http://127.0.0.1:8080/",
    "http://[::1]:8080/",
]
UNSOUND = {
    "": "Falta la dirección",
    "http://example.com/hook": "empezar por https",
    "http://10.0.0.1/": "empezar por https",
    "ftp://example.com/": "empezar por https",
    "example.com/hook": "empezar por https",
    "https://": "empezar por https",
    "https://user:pw@example.com/": "usuario ni contraseña",
    "https://exa mple.com/": "no es una URL válida",
    "https://example.com/\n": "no es una URL válida",
    "https://example.com:99999999/": "no es una URL válida",
    "https://example.com/" + "x" * 2_048: "más de 2048 caracteres",
}


@pytest.mark.parametrize("url", SOUND)
def test_https_and_this_machine_are_accepted(url: str) -> None:
    assert url_fault(url) is None


@pytest.mark.parametrize(("url", "fault"), UNSOUND.items(), ids=[url[:40] or "empty" for url in UNSOUND])
def test_anything_else_is_refused_with_a_reason(url: str, fault: str) -> None:
    assert fault in (url_fault(url) or "")


@given(st.text(max_size=60) | st.text("https:/@[]%.a1", max_size=40).map("https://".__add__))
def test_a_url_that_is_accepted_names_a_host_and_no_more_than_fits(text: str) -> None:
    assert url_fault(text) is not None or httpx.URL(text).host

"""What the API takes is checked, and what it shows holds no secret."""

import msgspec
import pytest

from pideai_host.stores.wire import InstallIn, InstallOut, UpdateIn, webhook_url_fault


@pytest.mark.parametrize("url", ["https://example.com/hook?x=1", "http://127.0.0.1:8000", "https://[::1]/x"])
def test_an_http_address_passes(url):
    assert webhook_url_fault(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "file:///etc/passwd",
        "https://",
        "https://user:pw@example.com",
        "https://user@example.com",
        "https://example.com/#x",
        "https://example.com:99999",
        "https://example.com:0",
        "https://exa mple.com",
        "https://example.com/\n",
        "https://example.com\\@evil.com",
        "https://[::1",
        "https://ejemplo.com/ñ",
        "https://example.com/" + "x" * 2_048,
    ],
)
def test_any_other_address_is_refused(url):
    assert webhook_url_fault(url) is not None


def test_an_unknown_field_is_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"enabeld": false}', type=UpdateIn)


def test_a_priority_beyond_the_column_is_refused():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"priority": 2147483648}', type=InstallIn)


def test_no_repr_shows_a_secret(stored):
    shown = [
        InstallIn(config={"key": "canary"}, webhook_secret="canary"),
        UpdateIn(config={"key": "canary"}, webhook_secret="canary"),
        InstallOut.of(stored, webhook_secret="canary"),
    ]

    assert "canary" not in repr(shown)


def test_an_installation_is_shown_with_the_names_of_its_secrets_only(stored):
    shown = InstallOut.of(msgspec.structs.replace(stored, sealed={"webhook_secret": "sealed", "/key": "sealed"}))

    text = msgspec.json.encode(shown)
    assert shown.secrets == ["/key", "webhook_secret"]
    assert b'"sealed"' not in text
    assert b'"webhook_secret":' not in text


def test_a_secret_that_the_host_made_is_shown(stored):
    assert b'"webhook_secret":"whsec_x"' in msgspec.json.encode(InstallOut.of(stored, webhook_secret="whsec_x"))

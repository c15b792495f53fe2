"""What is logged holds no secret, by the name of its key or by the look of a URL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pideai_host.telemetry.redact import REDACTED, redact, redacted_text

PLAIN = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "webhook_secret",
        "Authorization",
        "access_token",
        "apikey",
        "api_key",
        "X-Api-Key",
        "cookie",
        "master_keys",
        "private_key",
        "service_key",
        "jwt",
        "credentials",
    ],
)
def test_value_of_a_secret_key_is_replaced(key: str) -> None:
    assert redact(None, "", {key: "hidden"})[key] == REDACTED


@pytest.mark.parametrize("key", ["event", "plugin", "store_id", "queue_key", "attempts"])
def test_value_of_another_key_stays(key: str) -> None:
    assert redact(None, "", {key: "shown"})[key] == "shown"


def test_secrets_within_are_replaced_too() -> None:
    told = redact(None, "", {"request": {"headers": [{"Authorization": "hidden", "Accept": "*/*"}]}})

    assert told == {"request": {"headers": [{"Authorization": REDACTED, "Accept": "*/*"}]}}


def test_what_lies_too_deep_is_left_out() -> None:
    assert "hidden" not in str(redact(None, "", {"a": {"b": {"c": {"d": {"e": {"f": "hidden"}}}}}}))


@given(PLAIN, PLAIN)
def test_login_of_a_url_is_replaced(user: str, password: str) -> None:
    told = redacted_text(f"cannot reach postgresql://{user}:{password}@host:5432/db today")

    assert told == f"cannot reach postgresql://{REDACTED}@host:5432/db today"


def test_url_without_login_stays() -> None:
    assert redacted_text("https://host:8080/a@b?c=d") == "https://host:8080/a@b?c=d"


def test_exception_is_cleaned_as_text() -> None:
    error = ValueError("bad postgresql://me:hidden@host/db")

    assert redact(None, "", {"error": error})["error"] == f"ValueError: bad postgresql://{REDACTED}@host/db"


def test_raw_bytes_are_counted_not_shown() -> None:
    assert redact(None, "", {"body": b"hidden"})["body"] == "[6 bytes]"


def test_long_text_is_cut() -> None:
    assert len(redacted_text("x" * 1_000_000)) < 8_100

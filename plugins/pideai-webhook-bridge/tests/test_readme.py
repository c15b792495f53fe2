"""The code that receivers copy from the README does what it says."""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pideai_webhook_bridge.signing import read_secrets, sign

README = Path(__file__).parents[1] / "README.md"
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
BODY = '{"type":"order.created","customer":"María"}'.encode()


@pytest.fixture
def is_genuine() -> Callable[..., bool]:
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


def headers(secrets: str = SECRET) -> dict[str, str]:
    signature = sign(read_secrets(secrets), message_id="m1", timestamp_s=1_000_000, body=BODY)
    return {"webhook-id": "m1", "webhook-timestamp": "1000000", "webhook-signature": signature}


@pytest.mark.parametrize("secrets", [SECRET, f"{OTHER} {SECRET}"])
def test_the_snippet_accepts_a_genuine_webhook(is_genuine: Callable[..., bool], secrets: str) -> None:
    assert is_genuine(SECRET, headers(secrets), BODY, now=1_000_100)


@pytest.mark.parametrize(
    ("changed", "body", "now"),
    [
        ({}, BODY + b" ", 1_000_000),
        ({}, BODY, 1_000_301),
        ({}, BODY, 999_699),
        ({"webhook-id": "m2"}, BODY, 1_000_000),
        ({"webhook-timestamp": "1000001"}, BODY, 1_000_000),
        ({"webhook-signature": "v1,AAAA"}, BODY, 1_000_000),
    ],
    ids=["body", "too old", "too new", "id", "timestamp", "signature"],
)
def test_the_snippet_refuses_any_other(
    is_genuine: Callable[..., bool], changed: dict[str, str], body: bytes, now: int
) -> None:
    assert not is_genuine(SECRET, headers() | changed, body, now=now)


def test_the_snippet_refuses_another_secret(is_genuine: Callable[..., bool]) -> None:
    assert not is_genuine(OTHER, headers(), BODY, now=1_000_000)

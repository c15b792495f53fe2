import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pideai_webhook_bridge.signing import read_secrets, sign
from standardwebhooks.webhooks import Webhook

# The vector that the specification's own libraries are tested with.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_TIMESTAMP_S = 1_614_265_330
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

keys = st.binary(min_size=24, max_size=64)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=60)


def now() -> int:
    """The library compares with the clock, so the moment is that of the test, not of the import."""
    return int(datetime.now(UTC).timestamp())


def written(key: bytes) -> str:
    return "whsec_" + base64.b64encode(key).decode()


def test_the_specifications_own_vector_is_met() -> None:
    signature = sign(
        read_secrets(VECTOR_SECRET), message_id=VECTOR_ID, timestamp_s=VECTOR_TIMESTAMP_S, body=VECTOR_BODY
    )

    assert signature == VECTOR_SIGNATURE


@given(keys, ids, st.text(max_size=200))
def test_the_independent_library_accepts_every_signature(key: bytes, message_id: str, body: str) -> None:
    stamp = now()
    signature = sign(read_secrets(written(key)), message_id=message_id, timestamp_s=stamp, body=body.encode())
    headers = {"webhook-id": message_id, "webhook-timestamp": str(stamp), "webhook-signature": signature}

    assert Webhook(written(key)).verify(body, headers, json_parse=False) is None


@given(st.lists(keys, min_size=1, max_size=5))
def test_during_a_rotation_each_secret_finds_its_signature(rotating: list[bytes]) -> None:
    text = " ".join(written(key) for key in rotating)
    stamp = now()
    signature = sign(read_secrets(text), message_id="m", timestamp_s=stamp, body=b"{}")
    headers = {"webhook-id": "m", "webhook-timestamp": str(stamp), "webhook-signature": signature}

    for key in rotating:
        Webhook(written(key)).verify(b"{}", headers)
    assert len(signature.split(" ")) == len(rotating)


@given(keys, st.binary(max_size=99), st.integers(0, 2**33))
def test_whatever_changes_changes_the_signature(key: bytes, body: bytes, timestamp_s: int) -> None:
    signatures = {
        sign([key], message_id="m", timestamp_s=timestamp_s, body=body),
        sign([key], message_id="n", timestamp_s=timestamp_s, body=body),
        sign([key], message_id="m", timestamp_s=timestamp_s + 1, body=body),
        sign([key], message_id="m", timestamp_s=timestamp_s, body=body + b" "),
        sign([key + b"x"], message_id="m", timestamp_s=timestamp_s, body=body),
    }

    assert len(signatures) == 5


@pytest.mark.parametrize("length", [24, 25, 32, 64])
def test_a_secret_of_24_to_64_bytes_is_read(length: int) -> None:
    key = bytes(range(length))

    assert read_secrets(written(key)) == (key,)


BROKEN = {
    "too short": written(bytes(23)),
    "too long": written(bytes(65)),
    "no prefix": base64.b64encode(bytes(32)).decode(),
    "prefix of a private key": "whsk_" + base64.b64encode(bytes(32)).decode(),
    "prefix alone": "whsec_",
    "padding missing": written(bytes(32)).rstrip("="),
    "padding too much": written(bytes(32)) + "=",
    "junk inside": written(bytes(32)).replace("AA", "A*A*", 1),
    "the other alphabet": written(b"\xff" * 33).replace("/", "_"),
    "bits left over": written(bytes(32))[:-2] + "B=",
    "not ASCII": "whsec_ñandúñandúñandúñandúñandúñandú",
    "hex": "whsec_" + "zz" * 33,
    "nothing": "",
    "white space": "  \n ",
    "six of them": " ".join([written(bytes(32))] * 6),
    "a good one and a bad one": written(bytes(32)) + " whsec_bad",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_secret_that_is_not_exactly_one_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"signing secret"):
        read_secrets(text)


@given(st.binary(max_size=90).filter(lambda key: not 24 <= len(key) <= 64))
def test_a_refusal_never_repeats_the_secret(key: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        read_secrets("whsec_" + base64.b64encode(key + b"~").decode() + "!")

    assert base64.b64encode(key).decode()[:8] not in str(refused.value) or len(key) < 6


@pytest.mark.parametrize("message_id", ["", "a.b", "ñ", "a\nb", "a\0"])
def test_an_id_that_blurs_what_is_signed_is_refused(message_id: str) -> None:
    with pytest.raises(ValueError, match="message id"):
        sign([bytes(32)], message_id=message_id, timestamp_s=1, body=b"")


def test_a_negative_timestamp_is_refused() -> None:
    with pytest.raises(ValueError, match="timestamp"):
        sign([bytes(32)], message_id="m", timestamp_s=-1, body=b"")

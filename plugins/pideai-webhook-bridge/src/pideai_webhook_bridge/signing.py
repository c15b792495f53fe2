"""Signatures as Standard Webhooks 1.0.0 defines them: HMAC-SHA256 (``v1``) over id, timestamp and body.

Strict where the specification's own library is lenient: a secret that is not exactly what it should be is refused, so
that a typing error shows when the secret is set and not as signatures that nobody can verify.
"""

import binascii
import hmac
from collections.abc import Sequence
from typing import Final

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_MIN_BYTES: Final = 24
SECRET_MAX_BYTES: Final = 64
SECRETS_MAX: Final = 5
"""Secrets that sign side by side while a receiver changes from one to the next."""


def read_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys of one secret, or of several separated by white space, in their order.

    Raises:
        ValueError: there is none, there are too many, or one is not ``whsec_`` and canonical base64 of 24 to 64 bytes.
            The message never repeats any of them.
    """
    secrets = text.split()
    if not 1 <= len(secrets) <= SECRETS_MAX:
        raise ValueError(f"1 to {SECRETS_MAX} signing secrets are needed, not {len(secrets)}")
    return tuple([_key(secret) for secret in secrets])


def sign(keys: Sequence[bytes], *, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: one signature a key, any of which a receiver may find valid.

    Args:
        keys: From `read_secrets`.
        message_id: The header ``webhook-id``: printable ASCII without a dot.
        timestamp_s: The header ``webhook-timestamp``: seconds since 1970 of this very attempt.
        body: As it is sent, byte for byte.

    Raises:
        ValueError: the id or the timestamp could be mistaken for another part of what is signed.
    """
    if not message_id or "." in message_id or not message_id.isascii() or not message_id.isprintable():
        raise ValueError("a message id is printable ASCII without a dot")
    if timestamp_s < 0:
        raise ValueError("a timestamp is not negative")
    signed = b"%b.%d.%b" % (message_id.encode("ascii"), timestamp_s, body)
    digests = [hmac.digest(key, signed, "sha256") for key in keys]
    return " ".join(["v1," + binascii.b2a_base64(digest, newline=False).decode("ascii") for digest in digests])


def _key(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"a signing secret begins with {SECRET_PREFIX}")
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = binascii.a2b_base64(encoded, strict_mode=True)
    except ValueError:
        raise ValueError(f"after {SECRET_PREFIX} a signing secret is base64, with its padding") from None
    if binascii.b2a_base64(key, newline=False).decode("ascii") != encoded:
        raise ValueError("the base64 of a signing secret has bits left over at its end")
    if not SECRET_MIN_BYTES <= len(key) <= SECRET_MAX_BYTES:
        raise ValueError(f"a signing secret has {SECRET_MIN_BYTES} to {SECRET_MAX_BYTES} bytes, not {len(key)}")
    return key

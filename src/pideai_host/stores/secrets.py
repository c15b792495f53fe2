"""Seal what must never lie in clear: AES-256-GCM, bound to store, plugin and field, under a ring of keys.

A sealed value is ``v1.<kid>.<base64url of nonce and ciphertext>``. The first key of the ring seals, every key opens, so
a key is replaced by putting a new one in front and keeping the old one until nothing names it any more. Moved to
another store, plugin or field, a sealed value does not open.
"""

import base64
import binascii
import functools
import os
import re
from collections.abc import Sequence
from typing import ClassVar, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pideai_host.api import ConfigurationError, PideaiError

KEY_BYTES: Final = 32
_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
_PLAIN_ALPHABET: Final = bytes.maketrans(b"-_", b"+/")
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")

_WEBHOOK_PREFIX: Final = "whsec_"
_WEBHOOK_MIN_BYTES: Final = 24
_WEBHOOK_MAX_BYTES: Final = 64
_WEBHOOK_SECRETS_MAX: Final = 5


class SecretUnreadable(PideaiError):  # noqa: N818 - a condition: the key is gone, or the value is not in its place
    """A sealed value does not open; says which one, never what it holds."""

    code: ClassVar[str] = "secret_unreadable"


class Sealer:
    """Seals and opens values; safe to share, its repr shows key ids only.

    Args:
        keys: Pairs of key id and 32 bytes; the first one seals.

    Raises:
        ConfigurationError: no key, a key of another size, or an unfit or repeated key id.
    """

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        for kid, key in keys:
            if _KID.fullmatch(kid) is None:
                raise ConfigurationError("a master key's id may hold 1 to 32 letters, digits, - and _")
            if len(key) != KEY_BYTES:
                raise ConfigurationError(f"master key {kid!r} has {len(key)} bytes; {KEY_BYTES} are needed")
        self._ciphers = {kid: AESGCM(key) for kid, key in keys}
        if not keys or len(self._ciphers) != len(keys):
            raise ConfigurationError(
                "the master keys need at least one key, each with an id of its own",
                hint="PIDEAI_MASTER_KEYS holds them, the newest first.",
            )
        self._sealing_kid = keys[0][0]

    @property
    def kids(self) -> tuple[str, ...]:
        """The ids of its keys; the first one's seals."""
        return tuple(self._ciphers)

    @property
    def prefix(self) -> str:
        """How every value begins that it seals from now on."""
        return f"{_VERSION}.{self._sealing_kid}."

    def __repr__(self) -> str:
        return f"Sealer(kids={list(self._ciphers)})"

    def seal(self, plain: str, store_id: UUID, plugin: str, field: str) -> str:
        """Return a value sealed for one place; sealing it again gives another text."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._sealing_kid].encrypt(nonce, plain.encode(), _place(store_id, plugin, field))
        return f"{self.prefix}{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, store_id: UUID, plugin: str, field: str) -> str:
        """Return what `seal` was given for the same place.

        Raises:
            SecretUnreadable: the key is not in the ring, or the value was changed or belongs to another place.
        """
        version, _, rest = sealed.partition(".")
        kid, _, text = rest.partition(".")
        if version != _VERSION:
            raise SecretUnreadable(f"{plugin}: secret {field!r} is not sealed as {_VERSION}")
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise SecretUnreadable(
                f"{plugin}: secret {field!r} is sealed with a key that the host does not have",
                hint="Put the key back into PIDEAI_MASTER_KEYS, or write the secret again.",
            )
        try:
            data = binascii.a2b_base64(text.encode().translate(_PLAIN_ALPHABET), strict_mode=True)
            plain = cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _place(store_id, plugin, field))
        except (InvalidTag, ValueError):  # ValueError: not base64, or too short for a nonce
            raise SecretUnreadable(
                f"{plugin}: secret {field!r} was changed or belongs to another place",
                hint="Write the secret again.",
            ) from None
        return plain.decode()


def generate_webhook_secret() -> str:
    """Return a new signing secret as Standard Webhooks writes them: ``whsec_`` and the base64 of 32 random bytes."""
    return _WEBHOOK_PREFIX + base64.b64encode(os.urandom(KEY_BYTES)).decode()


def webhook_secret_fault(text: str) -> str | None:
    """Tell what is wrong with a signing secret that an owner brings, or None; never repeats the secret.

    Several, separated by white space, sign side by side while a receiver changes from one to the next.
    """
    secrets = text.split()
    if 1 <= len(secrets) <= _WEBHOOK_SECRETS_MAX and all(map(_is_webhook_secret, secrets)):
        return None
    return f"must be {_WEBHOOK_PREFIX} and the base64 of {_WEBHOOK_MIN_BYTES} to {_WEBHOOK_MAX_BYTES} bytes"


def _is_webhook_secret(text: str) -> bool:
    encoded = text.removeprefix(_WEBHOOK_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):  # ValueError: not ASCII
        return False
    is_canonical = encoded != text and base64.b64encode(key).decode() == encoded
    return is_canonical and _WEBHOOK_MIN_BYTES <= len(key) <= _WEBHOOK_MAX_BYTES


@functools.lru_cache(maxsize=4_096)
def _place(store_id: UUID, plugin: str, field: str) -> bytes:
    return f"{store_id}|{plugin}|{field}".encode()

"""Reads single variables of the environment; every complaint names the variable, none its value."""

import base64
import binascii
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from pideai_host.api.definition import slug_fault
from pideai_host.api.errors import ConfigurationError

Network = IPv4Network | IPv6Network
MasterKeys = tuple[tuple[str, bytes], ...]
TokenCheck = Literal["jwks", "shared_secret", "user_lookup"]

_KEY_BYTES = 32
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SECRET_SHORTEST = 16
_SECRETS_MOST = 2
_JWT_SECRET_SHORTEST = 32


def text(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value without surrounding space; empty is unset."""
    return environ.get(name, "").strip() or None


def unless_blank(environ: Mapping[str, str], name: str) -> str | None:
    """Return the value, None if it is not set; set to nothing is a slip where the default is another thing."""
    told = text(environ, name)
    if told is None and name in environ:
        raise ConfigurationError(f"{name} is set, but blank", hint="Give it a value, or unset it.")
    return told


def items(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return the comma-separated parts, empty ones left out."""
    return tuple(part for part in (raw.strip() for raw in environ.get(name, "").split(",")) if part)


def integer(environ: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number within bounds, both of them allowed."""
    told = text(environ, name)
    if told is None:
        return default
    if not (told.isascii() and told.isdigit() and len(told) < 10 and least <= int(told) <= most):  # noqa: PLR2004 - longer than any of ours
        raise ConfigurationError(f"{name} must be a whole number from {least} to {most}")
    return int(told)


def choice(environ: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words, whatever the case it was written in."""
    told = (text(environ, name) or default).lower()
    if told not in allowed:
        raise ConfigurationError(f"{name} must be one of {', '.join(allowed)}")
    return told


def http_url(environ: Mapping[str, str], name: str) -> str | None:
    """Return an http(s) URL without trailing slash, login, query or fragment."""
    told = text(environ, name)
    if told is not None and not _is_plain_url(told):
        raise ConfigurationError(
            f"{name} must be an http or https URL without login, query or fragment",
            hint="It reads https://host or https://host/path.",
        )
    return told.rstrip("/") if told else None


def origins(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return browser origins: scheme, host and port, no path, no wildcard."""
    told = tuple(item.rstrip("/") for item in items(environ, name))
    if not all(_is_plain_url(item) and not urlsplit(item).path and "*" not in item for item in told):
        raise ConfigurationError(f"{name} must list origins such as https://panel.example.com, with commas between")
    return told


def networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    """Return IP networks; a single address is one too."""
    try:
        return tuple(ip_network(item) for item in items(environ, name))
    except ValueError:
        raise ConfigurationError(
            f"{name} must list IP networks such as 10.1.0.0/16 or fd00::/8, with commas between"
        ) from None


def plugin_slugs(environ: Mapping[str, str], name: str) -> frozenset[str] | None:
    """Return which plugins to load: None for all (unset), none of them for the word `none`."""
    told = items(environ, name)
    if not told:
        return None
    if told == ("none",):
        return frozenset()
    if any(slug_fault(slug) for slug in told if slug != "none") or "none" in told:
        raise ConfigurationError(f"{name} must be `none`, or slugs of plugins with commas between")
    return frozenset(told)


def webhook_secrets(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    """Return one or two secrets, two while one is being replaced by the other; none if unset."""
    told = items(environ, name)
    if len(told) > _SECRETS_MOST:
        raise ConfigurationError(f"{name} takes two secrets at most, the new one and the old one")
    if any(len(secret) < _SECRET_SHORTEST or not secret.isascii() for secret in told):
        raise ConfigurationError(f"{name}: a secret needs {_SECRET_SHORTEST} ASCII characters or more")
    return told


def token_checks(environ: Mapping[str, str], name: str) -> frozenset[TokenCheck]:
    """Return how tokens are judged: by the project's keys unless told otherwise; HS256 in one way at most."""
    told = frozenset(items(environ, name)) or {"jwks"}
    known = get_args(TokenCheck)
    if not told <= set(known):
        raise ConfigurationError(f"{name} must list some of {', '.join(known)}, with commas between")
    if told >= {"shared_secret", "user_lookup"}:
        raise ConfigurationError(f"{name} takes one of shared_secret and user_lookup, not both")
    return cast("frozenset[TokenCheck]", frozenset(told))


def legacy_jwt_secret(environ: Mapping[str, str], name: str, *, is_used: bool) -> str | None:
    """Return the secret that HS256 tokens are checked with, None where they are not."""
    told = text(environ, name)
    if (told is not None) is not is_used:
        raise ConfigurationError(
            f"{name} goes with shared_secret in PIDEAI_TOKEN_CHECKS, and shared_secret with it",
            hint="Set both, or neither: a secret that is only left over must not let anybody in.",
        )
    if told is not None and (len(told) < _JWT_SECRET_SHORTEST or not told.isascii()):
        raise ConfigurationError(f"{name} needs {_JWT_SECRET_SHORTEST} ASCII characters or more")
    return told


def master_keys(told: tuple[str, ...], name: str) -> MasterKeys:
    """Return pairs of key id and key, from `kid:base64` each, newest first."""
    keys = tuple(_master_key(item, name) for item in told)
    if len({kid for kid, _ in keys}) != len(keys):
        raise ConfigurationError(f"{name} gives two keys one id")
    return keys


def _master_key(item: str, name: str) -> tuple[str, bytes]:
    kid, _, encoded = item.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if _KID.fullmatch(kid) is None or len(key) != _KEY_BYTES:
        raise ConfigurationError(
            f"{name} must hold keys as id:base64 of {_KEY_BYTES} bytes, newest first, with commas between",
            hint="Make one with: openssl rand -base64 32",
        )
    return kid, key


def _is_plain_url(told: str) -> bool:
    try:
        parts = urlsplit(told)
        port = parts.port
    except ValueError:
        return False
    plain = told.isascii() and told.isprintable() and not set(told) & set(' \\<>"@?#')
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0

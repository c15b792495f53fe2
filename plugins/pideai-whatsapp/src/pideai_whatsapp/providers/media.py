"""Which address of a picture may be handed to a provider, which fetches it from inside the operator's network."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from pideai_whatsapp.providers.base import MessageRefused

_MAX_URL_CHARS: Final = 2_048
_NAME: Final = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")
_INNER_ENDINGS: Final = (
    ".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".corp", ".private", ".arpa", ".test",
    ".example", ".invalid", ".onion", ".svc", ".cluster", ".metadata.goog",
)  # fmt: skip
_ADDRESS_IN_NAME: Final = re.compile(r"(?:^|[.-])\d{1,3}([.-])\d{1,3}\1\d{1,3}\1\d{1,3}(?:[.-]|$)")


def require_public(url: str) -> str:
    """Return the address of a picture if a provider may fetch it.

    Providers fetch by themselves, so what a store writes here could reach the operator's own services: only https to a
    host with a public name, on its usual port, without a user in it. That the name leads to a public address is not
    checked, since the provider would look it up again.

    Raises:
        MessageRefused: it may not; the message says why.
    """
    if len(url) > _MAX_URL_CHARS or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise MessageRefused("La dirección de la imagen no es válida.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise MessageRefused("La dirección de la imagen no es válida.") from None
    if parts.scheme != "https":
        raise MessageRefused("La dirección de la imagen debe empezar por https://.")
    if parts.username is not None or parts.password is not None:
        raise MessageRefused("La dirección de la imagen no puede llevar usuario ni contraseña.")
    if port not in (None, 443):
        raise MessageRefused("La dirección de la imagen no puede llevar un puerto propio.")
    if _is_address(host):
        raise MessageRefused("La dirección de la imagen debe llevar un nombre, no una dirección IP.")
    if not _NAME.fullmatch(host) or f".{host}".endswith(_INNER_ENDINGS) or _ADDRESS_IN_NAME.search(host):
        raise MessageRefused("La imagen debe estar en un sitio público de internet.")
    return url


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # What inet_aton would read: 127.1, 0x7f000001, 2130706433.
        return bool(re.fullmatch(r"(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*\.?", host))
    return True

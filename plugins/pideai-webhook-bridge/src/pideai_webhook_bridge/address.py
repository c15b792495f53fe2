"""What a store may set as its webhook's URL and secret; the faults are in Spanish, since the owner reads them."""

import re
from ipaddress import ip_address
from typing import Final

import httpx

from pideai_webhook_bridge.signing import read_secrets

URL_MAX_CHARS: Final = 2_048
PORT_MAX: Final = 65_535

_HOST: Final = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


def url_fault(url: str | None) -> str | None:
    """Tell what is wrong with a webhook's URL, or None.

    https, or http to this very machine for development: whether a host can be reached at all is for the guard of
    `context.http` to say, at each delivery.
    """
    if not url:
        return "Falta la dirección (URL) a la que se envían los eventos."
    if len(url) > URL_MAX_CHARS:
        return f"La dirección tiene más de {URL_MAX_CHARS} caracteres."
    try:
        return _parsed_fault(httpx.URL(url))
    except (httpx.InvalidURL, UnicodeError):  # the second for names that are no valid IDNA
        return "La dirección no es una URL válida."


def secret_fault(secret: str | None) -> str | None:
    """Tell what is wrong with a webhook's secret, or None; never repeats it."""
    if not secret:
        return "Falta el secreto con el que se firman los eventos."
    try:
        read_secrets(secret)
    except ValueError:
        return "El secreto debe ser whsec_ seguido de 24 a 64 bytes en base64."
    return None


def _parsed_fault(url: httpx.URL) -> str | None:
    if url.scheme not in ("http", "https") or not url.host:
        return "La dirección debe ser completa y empezar por https://."
    if _HOST.fullmatch(url.raw_host) is None or not 0 < (url.port or 1) <= PORT_MAX:
        return "La dirección no es una URL válida."
    if url.userinfo:
        return "La dirección no puede llevar usuario ni contraseña."
    if url.scheme == "http" and not _is_this_machine(url.host):
        return "La dirección debe empezar por https://."
    return None


def _is_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

"""An installation's secrets, opened when its plugin asks for them, and kept out of what it says afterwards."""

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from pideai_host.api import PluginFault
from pideai_host.stores.installations import WEBHOOK_SECRET, StoredInstallation
from pideai_host.stores.secrets import Sealer
from pideai_host.telemetry.hush import HUSHED, forms, hush, without

REDACTED: Final = HUSHED
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class OpenedSecrets:
    """See `pideai_host.api.Secrets`. Its repr shows nothing.

    Args:
        stored: Whose sealed values.
        sealer: What opens them.
        environ: The operator's environment.
    """

    def __init__(self, stored: StoredInstallation, sealer: Sealer, environ: Mapping[str, str]) -> None:
        self._stored = stored
        self._sealer = sealer
        self._environ = environ
        self._seen: set[str] = set()

    async def get(self, name: str) -> str | None:
        """Return a secret of this installation, None if unset; what is no text comes as its JSON.

        Raises:
            SecretUnreadable: it is set but does not open.
        """
        sealed = self._stored.sealed.get(name)
        if sealed is None:
            return None
        value = open_value(self._sealer, self._stored, name)
        return self._remember(value if isinstance(value, str) else msgspec.json.encode(value).decode())

    def operator(self, name: str) -> str | None:
        """Return ``PIDEAI_PLUGIN_<SLUG>_<NAME>``, in upper case, of the environment; None if unset or empty."""
        value = operator_secret(self._environ, self._stored.slug, name)
        return self._remember(value) if value else None

    def redact(self, text: str | None) -> str | None:
        """Return a text without the values that were given out."""
        return without(text, self._seen) if text else text

    @property
    def is_used(self) -> bool:
        """Whether any value was given out."""
        return bool(self._seen)

    def __repr__(self) -> str:
        return f"OpenedSecrets({self._stored.slug})"

    def _remember(self, value: str) -> str:
        self._seen |= forms(value)
        hush(value)
        return value


def operator_secret(environ: Mapping[str, str], slug: str, name: str) -> str | None:
    """Return what the operator's environment has for a plugin; None if unset or empty.

    Raises:
        PluginFault: it cannot be the name of a variable.
    """
    if _NAME.fullmatch(name) is None:
        raise PluginFault(f"{slug}: {name!r} cannot be the name of a setting", slug=slug)
    return environ.get(f"PIDEAI_PLUGIN_{slug}_{name}".replace("-", "_").upper()) or None


def open_value(sealer: Sealer, stored: StoredInstallation, field: str) -> Any:
    """Return a sealed value of an installation, as it was before `seal_value`.

    Raises:
        SecretUnreadable: it does not open.
    """
    plain = sealer.open(stored.sealed[field], stored.store_id, stored.slug, field)
    return plain if field == WEBHOOK_SECRET else msgspec.json.decode(plain)


def seal_value(sealer: Sealer, stored: StoredInstallation, field: str, value: Any) -> str:
    """Return a value sealed for a field of an installation: the signing secret as it is, all others as JSON."""
    plain = value if field == WEBHOOK_SECRET else msgspec.json.encode(value).decode()
    return sealer.seal(plain, stored.store_id, stored.slug, field)

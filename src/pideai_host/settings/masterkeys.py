"""The key ring of an embedded host, made where its data lies; whoever brings a database brings keys too."""

import base64
import os
import secrets
from pathlib import Path

from msgspec.structs import replace

from pideai_host.api.errors import ConfigurationError
from pideai_host.settings import datafolder, read
from pideai_host.settings.settings import Settings

_FILE = "master_keys"
_HINT = "openssl rand -base64 32 makes one: PIDEAI_MASTER_KEYS=k1:… (keep it apart from the database)"


def ensure_master_keys(settings: Settings) -> Settings:
    """Return the settings with at least one master key.

    An embedded host without PIDEAI_MASTER_KEYS reads them from the data folder, where the first call makes one
    (file mode 0600). Several hosts that start at once agree on one.

    Raises:
        ConfigurationError: an own database without keys, or a data folder that cannot be used.
    """
    if settings.master_keys:
        return settings
    if not settings.embedded:
        raise ConfigurationError("PIDEAI_MASTER_KEYS is not set", hint=_HINT)
    datafolder.claim(settings.data_dir)
    path = settings.data_dir / _FILE
    try:
        if not path.exists():
            fresh = path.with_name(f"{_FILE}.{secrets.token_hex(4)}")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
                file.flush()
                os.fsync(file.fileno())
            _link_unless_there(fresh, path)
        told = tuple(path.read_text(encoding="ascii").split())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cannot use the key file {path}") from error
    if not told:
        raise ConfigurationError(f"the key file {path} is empty", hint="Restore it from a copy.")
    return replace(settings, master_keys=read.master_keys(told, str(path)))


def _link_unless_there(fresh: Path, path: Path) -> None:
    """Put the file in its place unless another host was first; its place never holds half a file."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()

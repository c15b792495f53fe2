"""The one folder that the host may write to when it keeps its own database and keys.

It is ours only while it holds our marker file, which is put into new or empty folders alone: so nothing that the
host removes later can ever be someone else's.
"""

import os
from pathlib import Path

from pideai_host.api.errors import ConfigurationError

MARKER = ".pideai-host"
_HINT = "Set PIDEAI_DATA_DIR to a folder of your own that you may write to."


def claim(folder: Path) -> None:
    """Make the folder ours, or see that it is; harmless to repeat.

    A folder that holds anything but lacks the marker is refused. As root the folder may be entered (not listed) by
    others, since the database then runs as another user; folders above it are never changed.

    Raises:
        ConfigurationError: it cannot be made, written to, or is not ours.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (folder / MARKER).exists():
            _mark(folder)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as error:
        raise ConfigurationError(f"cannot use the data folder {folder}: {error.strerror}", hint=_HINT) from error


def require_ours(folder: Path) -> None:
    """Refuse a folder without our marker.

    Raises:
        ConfigurationError: the marker is missing.
    """
    if not (folder / MARKER).is_file():
        raise ConfigurationError(f"{folder} is not a data folder of pideai-host, nothing was removed", hint=_HINT)


def _mark(folder: Path) -> None:
    held = {entry.name for entry in folder.iterdir()}
    if held and MARKER not in held:
        raise ConfigurationError(f"the data folder {folder} holds files that are not ours", hint=_HINT)
    if os.geteuid() == 0:
        folder.chmod(0o711)
    (folder / MARKER).touch(mode=0o600)

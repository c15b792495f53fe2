"""As whom the server runs: PostgreSQL refuses to run as root, so root hands it to an account without rights."""

import os
import pwd
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from pideai_host.api.errors import ConfigurationError


class Account(NamedTuple):
    """A user of this machine; `None` in its place means: as we are."""

    name: str
    uid: int
    gid: int


def server_account(pgdata: Path) -> Account | None:
    """Choose the account: whoever owns the data already, else postgres, else nobody, else any but root.

    Raises:
        ConfigurationError: we are root and this machine knows no other user.
    """
    if os.geteuid() != 0:
        return None
    if pgdata.exists():
        owner = pgdata.stat()
        return Account(_name_of(owner.st_uid), owner.st_uid, owner.st_gid)
    others = sorted((entry for entry in pwd.getpwall() if entry.pw_uid), key=_preference)
    if not others:
        raise ConfigurationError(
            "PostgreSQL does not run as root, and this machine has no other user", hint="Add one, or set DATABASE_URL."
        )
    return Account(others[0].pw_name, others[0].pw_uid, others[0].pw_gid)


def run_as(
    account: Account | None,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    output: IO[bytes] | int,
    timeout_s: float,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command to its end as the account, from the root folder and with nothing but the given environment.

    Our own environment holds keys and URLs with passwords, which the account must not see.

    Raises:
        PermissionError: the account may not reach the command.
        ConfigurationError: we may not act as the account.
        subprocess.TimeoutExpired: it ran longer than `timeout_s` and was killed.
    """
    try:
        return subprocess.run(  # noqa: S603 - commands of ours, no shell
            [str(part) for part in command],
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except PermissionError as error:
        if account is None or error.errno != 1:  # EPERM: the change of user failed, not the command
            raise
        raise ConfigurationError(
            f"PostgreSQL does not run as root, and this process may not act as user {account.name}",
            hint="Run pideai-host as an ordinary user, or set DATABASE_URL.",
        ) from error


def _preference(entry: pwd.struct_passwd) -> tuple[int, int]:
    return {"postgres": 0, "nobody": 1}.get(entry.pw_name, 2), entry.pw_uid


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)

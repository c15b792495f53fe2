"""What most commands begin with: the settings, and a database that runs."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from pideai_host import telemetry
from pideai_host.api import ConfigurationError
from pideai_host.db.embedded import EmbeddedServer
from pideai_host.settings import Settings
from pideai_host.stores.audit import Actor, acting


def load_settings(*, is_quiet: bool = False) -> Settings:
    """Read the environment, and log as it says from now on.

    Args:
        is_quiet: Log nothing below a warning whatever the environment says: what is done is said on stdout.

    Raises:
        ConfigurationError: a variable cannot be used.
    """
    settings = Settings.from_env()
    is_lower = is_quiet and settings.log_level in {"debug", "info"}
    telemetry.set_up(level="warning" if is_lower else settings.log_level, log_format=settings.log_format)
    return settings


@contextmanager
def running_database(settings: Settings, *, may_make: bool = False) -> Iterator[Settings]:
    """Complete the settings with the URLs of a server that runs as long as the block: the operator's or our own.

    Args:
        settings: As they were read.
        may_make: Make our own where there is none; a command that only looks would look at nothing.

    Raises:
        ConfigurationError: there is none, and none is to be made; or our own cannot be started.
        DatabaseUnavailable: our own did not start.
    """
    if not settings.embedded:
        yield settings
        return
    if not may_make and not any(settings.data_dir.glob("pg*")):
        raise ConfigurationError(
            f"neither DATABASE_URL nor ADMIN_DATABASE_URL is set, and {settings.data_dir} has no database yet",
            hint="`pideai-host demo` or `pideai-host serve` makes one; or set the URLs.",
        )
    with EmbeddedServer(settings.data_dir) as server:
        yield replace(settings, database_url=server.urls.runtime, admin_database_url=server.urls.admin)


@contextmanager
def operator() -> Iterator[None]:
    """Have what the block does recorded as the operator's, by the name of the account that runs the command."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a container's user without a name
        name = None
    with acting(Actor(kind="operator", name=name)):
        yield

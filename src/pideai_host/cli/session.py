"""What most commands begin with: the settings, and a database that runs."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec.structs import replace

from pideai_host import telemetry
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
def running_database(settings: Settings) -> Iterator[Settings]:
    """Complete the settings with the URLs of a server that runs as long as the block: the operator's or our own.

    Raises:
        ConfigurationError, DatabaseUnavailable: our own cannot be started.
    """
    if not settings.embedded:
        yield settings
        return
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

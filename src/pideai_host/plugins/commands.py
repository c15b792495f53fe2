"""The click commands that a plugin contributes, checked before they are run."""

import re
from typing import Any, Final

import click

from pideai_host.api import PluginFault

COMMANDS_MAX: Final = 50
"""Of one plugin."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def checked_commands(slug: str, commands: Any) -> list[click.Command]:
    """Return what `cli_commands` returned.

    Raises:
        PluginFault: it is nothing that can be run; the message says what to do.
    """
    if not isinstance(commands, list | tuple) or not all(isinstance(one, click.Command) for one in commands):
        raise PluginFault(f"plugin {slug}: cli_commands returns a list of click commands, and nothing else", slug=slug)
    names = [one.name or "" for one in commands]
    odd = next((name for name in names if _NAME.fullmatch(name) is None), None)
    if odd is not None:
        raise PluginFault(f"plugin {slug}: {odd!r} is no name for a command such as 'call-courier'", slug=slug)
    if len(set(names)) < len(names) or len(names) > COMMANDS_MAX:
        raise PluginFault(f"plugin {slug}: two commands of one name, or more than {COMMANDS_MAX}", slug=slug)
    return list(commands)

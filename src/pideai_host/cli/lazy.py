"""Commands that are imported when they are run: `--help` and short commands need not load the whole host."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import rich_click as click


class Entry(NamedTuple):
    """Where a command is (`package.module:attribute`), and its line in the list of commands."""

    target: str
    summary: str


class LazyGroup(click.RichGroup):
    """A group whose commands stand in a table; lists them in its order.

    Args:
        entries: The table.
        find_other: Asked for a command that is not in it, by name; None if there is none.
    """

    def __init__(
        self,
        *args: Any,
        entries: Mapping[str, Entry],
        find_other: Callable[[str], click.Command | None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._find_other = find_other
        for name, entry in entries.items():
            self.add_command(_Stub(name, entry))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command of the table, or what `find_other` finds."""
        found = super().get_command(ctx, cmd_name)
        return self._find_other(cmd_name) if found is None and self._find_other is not None else found

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the names as the table has them."""
        return list(self.commands)


class _Stub(click.RichCommand):
    """Stands for a command in the list, and becomes it when called."""

    def __init__(self, name: str, entry: Entry) -> None:
        super().__init__(name=name, help=entry.summary)
        self._target = entry.target

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        module, _, attribute = self._target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command.make_context(info_name, args, parent=parent, **extra)

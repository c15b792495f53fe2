"""Tasks of plugins that cannot end the process: asyncio lets two exceptions through to whoever runs the loop."""

from collections.abc import Coroutine, Generator
from typing import Any, Final

from pideai_host.api.errors import PluginFault
from pideai_host.plugins.records import describe
from pideai_host.telemetry import get_logger

Work = Coroutine[Any, Any, Any] | Generator[Any, Any, Any]

_log: Final = get_logger(__name__)


class Contained(Coroutine[Any, Any, Any]):
    """What a plugin has a task of its own run; `SystemExit` and `KeyboardInterrupt` become faults of the plugin.

    Args:
        work: The plugin's coroutine.
        slug: The plugin.
    """

    __slots__ = ("_slug", "_work")

    def __init__(self, work: Work, slug: str) -> None:
        self._work = work
        self._slug = slug

    def send(self, value: Any) -> Any:
        """Run to the next point where it waits."""
        try:
            return self._work.send(value)
        except (SystemExit, KeyboardInterrupt) as error:
            raise misbehaved(self._slug, "a task", error) from error

    def throw(self, *error: Any) -> Any:
        """Raise something where it waits."""
        try:
            return self._work.throw(*error)
        except (SystemExit, KeyboardInterrupt) as raised:
            raise misbehaved(self._slug, "a task", raised) from raised

    def close(self) -> None:
        """End it where it waits."""
        try:
            self._work.close()
        except Exception:
            raise
        except BaseException as error:  # SystemExit and its kind would end the process
            raise misbehaved(self._slug, "a task", error) from error

    def __await__(self) -> Generator[Any, Any, Any]:
        raise TypeError("only a task runs this")

    def __getattr__(self, name: str) -> Any:
        """Show the plugin's own coroutine to whoever looks: names, frames."""
        return getattr(self._work, name)


def misbehaved(slug: str, what: str, error: BaseException) -> PluginFault:
    """Say, without its words, that a plugin raised what no hook may; the words go into the log."""
    _log.warning("hook_misbehaved", plugin=slug, hook=what, said=describe(error))
    return PluginFault(
        f"{slug}: {what} raised {type(error).__name__}", slug=slug, hint="The host's log tells what it said."
    )

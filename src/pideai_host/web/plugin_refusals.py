"""What a plugin's route refuses by raising an `HTTPException`: its status and its words, under a code of their own.

The host's codes stay the host's: a client that acts upon `unauthenticated` or `store_unknown` must not take a plugin's
word for it.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Final

from litestar.exceptions import HTTPException

from pideai_host.api import PideaiError
from pideai_host.stores.context import HostContext
from pideai_host.web.plugin_headers import encoded, theirs

FAULTS_MAX: Final = 100
FAULT_MAX_CHARS: Final = 300
_REFUSALS: Final = range(400, 500)
_INABILITIES: Final = range(501, 600)
_OURS: Final = ("litestar", "pideai_host")


class PluginRefused(PideaiError):  # noqa: N818 - a plugin's word, not a fault
    """A plugin's route does not do what it was asked for, and says so.

    Args:
        status: The plugin's.
        message: Its words, without secrets.
        slug: The plugin.
        headers: What it wants to be sent, without secrets.
        faults: JSON pointer -> what is wrong there, without secrets.
    """

    code: ClassVar[str] = "plugin_refused"

    def __init__(
        self, status: int, message: str, *, slug: str, headers: Mapping[str, str], faults: Mapping[str, str]
    ) -> None:
        super().__init__(message)
        self.status = status
        self.slug = slug
        self.headers = dict(headers)
        self.faults = dict(faults)


class PluginUnable(PluginRefused):
    """A plugin's route cannot do it now: a 5xx that the plugin chose."""

    code: ClassVar[str] = "plugin_unable"


def refusal_of(error: HTTPException, context: HostContext) -> PluginRefused | None:
    """Return what a plugin refused, or None if it was not the plugin that raised this, or it says no more than 500.

    Raises:
        PluginFault: its headers cannot be sent.
    """
    kind = (
        PluginRefused if error.status_code in _REFUSALS else PluginUnable if error.status_code in _INABILITIES else None
    )
    if kind is None or not _is_raised_by_plugin(error.__traceback__):
        return None
    raw = theirs(encoded(error.headers or {}), slug=context.plugin)
    headers = {name.decode("latin-1"): context.redact(value.decode("latin-1")) or "" for name, value in raw}
    message = context.redact(str(error.detail)) or ""
    return kind(error.status_code, message, slug=context.plugin, headers=headers, faults=_faults(error.extra, context))


def _is_raised_by_plugin(trace: TracebackType | None) -> bool:
    """Tell whether code raised that is neither the host's nor Litestar's, which refuses bodies and parameters."""
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__")).partition(".")[0] not in _OURS


def _faults(extra: Any, context: HostContext) -> dict[str, str]:
    """Return what a plugin says in the shape of Litestar's own: ``[{"key": "phone", "message": "…"}]``."""
    parts = [part for part in extra[:FAULTS_MAX] if isinstance(part, Mapping)] if isinstance(extra, list) else []
    told = ((str(part.get("key", "")), str(part.get("message", ""))) for part in parts)
    return {
        _shown("/" + key.replace(".", "/") if key else "", context): _shown(message, context) for key, message in told
    }


def _shown(text: str, context: HostContext) -> str:
    return (context.redact(text) or "")[:FAULT_MAX_CHARS]

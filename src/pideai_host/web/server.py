"""Serve the application with granian, in a process of its own that granian watches (docs/adr/0011)."""

import ctypes
import os
import signal
import socket
import sys

from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings

_PR_SET_PDEATHSIG = 1
STOP_LIMIT_S = 60
"""How long a stop may take: longer than the longest hook that finishes what it began."""


def serve(settings: Settings, *, with_worker: bool) -> None:
    """Serve until SIGTERM or Ctrl-C, then stop in order. The application reads the environment, not `settings`.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    _require_free(settings.host, settings.port)
    os.register_at_fork(after_in_child=_end_on_signals)
    name = "create_app" if with_worker else "create_app_without_worker"
    Granian(
        f"pideai_host.web.app:{name}",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=1,
        websockets=False,
        workers_kill_timeout=STOP_LIMIT_S,
        log_level=LogLevels.warning,
    ).serve()


def _end_on_signals() -> None:
    """Let a signal end granian's child while it boots, and let it end with its parent.

    It inherits its parent's handlers, which would swallow the signal. And a parent that is killed with -9 would leave
    it behind on the port, so that the host could not start again; only Linux can tell it.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _require_free(host: str, port: int) -> None:
    """Try the address first: granian's own sockets share a port silently with whoever holds it already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on {host} port {port}: {error.strerror}",
                hint="Set PIDEAI_PORT or PIDEAI_HOST to an address that is free.",
            ) from error

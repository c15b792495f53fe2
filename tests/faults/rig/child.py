"""What a process of the rig runs: `pideai-host …` as the demo starts it, so that it ends when the tests do.

RIG_IMPATIENCE_S   the webhook bridge waits so long for an answer, and twice as long in all
RIG_LEASE_S        how long a lease is
RIG_CLOCK          a file with the seconds that the process's clock goes ahead; read whenever somebody asks what time it
                   is, so that the clock can be stepped while the process runs
"""

import ctypes
import gc
import os
import runpy
import time
from datetime import datetime, timedelta
from pathlib import Path

import httpx
from msgspec.structs import replace
from pideai_webhook_bridge import delivery
from pideai_webhook_bridge.plugin import WebhookBridge

from pideai_host.api import Limits, hookimpl
from pideai_host.events import leases


def _be_impatient(limit_s: float) -> None:
    definition = WebhookBridge.plugin_definition

    @hookimpl
    def plugin_definition(self):
        return replace(definition(self), limits=Limits(timeout_s=2 * limit_s))

    delivery.TIMEOUT = httpx.Timeout(limit_s)
    delivery.BODY_LIMIT_S = limit_s
    WebhookBridge.plugin_definition = plugin_definition


def _lease_for(lease_s: int) -> None:
    """Shorten all that has to do with leases; before others take the numbers over."""
    shorter = lease_s / leases.LEASE_S
    leases.LEASE_S = lease_s
    leases.RENEW_S *= shorter
    leases.LOOK_S *= shorter
    leases.MARGIN_S *= shorter


def _set_clock(file: Path) -> None:
    """Let all Python code of this process see the stepped clock.

    `datetime` cannot be replaced, since msgspec takes only the real one; so its method is, where it is kept.
    """
    seconds, now = time.time, datetime.now

    def ahead_s() -> float:
        return float(file.read_text())

    def stepped(_cls, tz=None):
        return now(tz) + timedelta(seconds=ahead_s())

    time.time = lambda: seconds() + ahead_s()
    [methods] = (one for one in gc.get_referents(datetime.__dict__) if isinstance(one, dict))
    methods["now"] = classmethod(stepped)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(datetime))


if __name__ == "__main__":
    if "RIG_IMPATIENCE_S" in os.environ:
        _be_impatient(float(os.environ["RIG_IMPATIENCE_S"]))
    if "RIG_LEASE_S" in os.environ:
        _lease_for(int(os.environ["RIG_LEASE_S"]))
    if "RIG_CLOCK" in os.environ:
        _set_clock(Path(os.environ["RIG_CLOCK"]))
    runpy.run_module("pideai_host.demo.child", run_name="__main__")

"""What a process of the rig runs: `pideai-host …` as the demo starts it, so that it ends when the tests do.

RIG_IMPATIENCE_S   the webhook bridge waits so long for an answer, and twice as long in all
"""

import os
import runpy

import httpx
from msgspec.structs import replace
from pideai_webhook_bridge import delivery
from pideai_webhook_bridge.plugin import WebhookBridge

from pideai_host.api import Limits, hookimpl


def _be_impatient(limit_s: float) -> None:
    definition = WebhookBridge.plugin_definition

    @hookimpl
    def plugin_definition(self):
        return replace(definition(self), limits=Limits(timeout_s=2 * limit_s))

    delivery.TIMEOUT = httpx.Timeout(limit_s)
    delivery.BODY_LIMIT_S = limit_s
    WebhookBridge.plugin_definition = plugin_definition


if __name__ == "__main__":
    if "RIG_IMPATIENCE_S" in os.environ:
        _be_impatient(float(os.environ["RIG_IMPATIENCE_S"]))
    runpy.run_module("pideai_host.demo.child", run_name="__main__")

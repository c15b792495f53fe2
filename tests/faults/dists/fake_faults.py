"""Plugins for the tests of faults.

exits, raises, hangs, swallows, blocks, leaks
           harm the process they run in, each in its own way, at orders of a customer called `CULPRIT`
retries    wants each order once more, after `RETRY_S`
emits      says of each order that it was paid
charges    reserves a credit for each order, then waits for the gate; `CULPRIT`'s order fails
ages       hears of orders and payments that are at most `MAX_AGE_S` old

The gate is a file that the test makes: `FAULTS_GATE` has its path. `blocks` waits for it too, where it is set.
"""

import asyncio
import contextlib
import os
import threading
from pathlib import Path

from pideai_host.api import Limits, PaymentPayload, PluginDefinition, PluginType, RetryPolicy, failed, hookimpl, retry

CULPRIT = "culprit"
BLOCK_S = 1.5
LOOK_S = 0.02
LEAK = 400
"""Tasks of one call; the third call leaves more than the host bears."""
RETRY_S = 2.0
MAX_AGE_S = 1_800.0
PAID = "payment.completed"
_leaked = set()


class Plugin:
    def __init__(self, slug, act, **fields):
        self._act = act
        self._definition = PluginDefinition(
            slug=slug,
            name=slug,
            version="1.0",
            type=PluginType.NOTIFICATION,
            **{
                "subscribed_events": ("order.created",),
                "retry": RetryPolicy(delays_s=(0.1,), jitter=0.0),
                "limits": Limits(timeout_s=1.0),
                **fields,
            },
        )

    @hookimpl
    def plugin_definition(self):
        return self._definition

    @hookimpl
    async def handle_event(self, event, context):
        return await self._act(event, context)


def _harming(harm):
    async def act(event, _):
        if event.payload.customer_name == CULPRIT:
            await harm()

    return act


async def _exit():
    if "FAULTS_MENDED" not in os.environ:
        os._exit(7)


async def _raise():
    raise ValueError("a bug")


async def _hang():
    await asyncio.Event().wait()


async def _swallow():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


def _is_shut():
    return "FAULTS_GATE" in os.environ and not Path(os.environ["FAULTS_GATE"]).exists()


async def _block():
    if "FAULTS_GATE" not in os.environ:
        threading.Event().wait(BLOCK_S)
    while _is_shut():
        threading.Event().wait(LOOK_S)


async def _leak():
    _leaked.update(asyncio.create_task(_swallow()) for _ in range(LEAK))


async def _retry(_, context):
    return retry("once more") if context.delivery.attempt == 1 else None


async def _emit(event, context):
    order_id = event.payload.order_id
    context.emit(PAID, PaymentPayload(payment_id="1", amount=5, currency="USD", order_id=order_id), key="paid")


async def _charge(event, context):
    await context.credits.reserve()
    while _is_shut():  # noqa: ASYNC110 - another process opens it
        await asyncio.sleep(LOOK_S)
    return failed("no") if event.payload.customer_name == CULPRIT else None


async def _hear(_, __):
    return None


exits = Plugin("exits", _harming(_exit))
raises = Plugin("raises", _harming(_raise))
hangs = Plugin("hangs", _harming(_hang))
swallows = Plugin("swallows", _harming(_swallow))
blocks = Plugin("blocks", _harming(_block))
leaks = Plugin("leaks", _harming(_leak))
retries = Plugin("retries", _retry, retry=RetryPolicy(delays_s=(RETRY_S,), jitter=0.0), breaker=None)
emits = Plugin("emits", _emit)
charges = Plugin("charges", _charge, limits=Limits(timeout_s=60.0))
ages = Plugin("ages", _hear, subscribed_events=("order.created", PAID), max_age_s=MAX_AGE_S)

"""The demo, act by act: install through the API, order in the storefront, watch the log, check what arrived."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import httpx
from rich.console import Console
from rich.live import Live

from pideai_host.api import EventType, PideaiError
from pideai_host.demo.progress import Message, Row, read_messages, read_progress
from pideai_host.demo.receiver import REFUSALS, Received
from pideai_host.demo.stage import PLUGINS, Stage
from pideai_host.demo.storefront import Storefront
from pideai_host.demo.view import live_view, messages_view, summary_view, webhooks_view

STATUSES: Final = ("confirmed", "ready", "delivered")
MESSAGES: Final = ("order_confirmation", "order_ready", "order_delivered")
WATCH_LIMIT_S: Final = 90.0
LOOK_S: Final = 0.15
BEGIN_ANEW: Final = (
    "If the demo's store was changed since the last run, `pideai-host demo --fresh` begins with an empty one."
)


class DemoFailed(PideaiError):  # noqa: N818 - the demo's own condition
    """Something did not arrive."""

    code = "demo_failed"


async def play(stage: Stage, console: Console) -> None:
    """Play the demo once.

    Raises:
        DemoFailed: something is not as it should be; the summary on the console says what.
    """
    await _install(stage, console.print)
    storefront = Storefront(
        stage.connection,
        stage.client,
        webhook_url=f"{stage.base_url}/webhooks/supabase",
        webhook_secret=stage.webhook_secret,
    )
    order_id = await storefront.place_order(stage.store_id)
    console.print(f"A customer placed order {order_id}; its items followed in a second transaction")
    moving = asyncio.create_task(_move(storefront, order_id))
    try:
        rows = await _watch(stage, order_id, moving, console)
    finally:
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)

    messages = await read_messages(stage.connection, stage.store_id, order_id)
    mine = {str(row.delivery_id) for row in rows}
    received = [one for one in stage.receiver.received if one.id in mine]
    console.print()
    console.print(messages_view(messages))
    console.print(webhooks_view(received))
    facts = check(rows, messages, received)
    console.print(summary_view(facts))
    if not all(is_right for *_, is_right in facts):
        raise DemoFailed("not everything arrived", hint=BEGIN_ANEW)


def check(
    rows: Sequence[Row], messages: Sequence[Message], received: Sequence[Received]
) -> list[tuple[str, str, bool]]:
    """Say what should have happened, what did, and whether they agree. Pure."""
    deliveries = [row for row in rows if row.plugin is not None]
    bridge = [row for row in deliveries if row.plugin == "webhook-bridge"]
    events = {row.event_id for row in rows}
    delivered = [row for row in deliveries if row.status == "delivered"]
    idle = sum(row.skipped is not None for row in delivered)
    taken = {one.id for one in received if one.verified and one.status == httpx.codes.OK}
    retried = [row for row in bridge if row.type == EventType.ORDER_CREATED and row.attempts == REFUSALS + 1]
    texts = {one.type: one for one in messages if one.status == "sent"}
    expected = {
        EventType.ORDER_CREATED,
        EventType.ORDER_READY,
        EventType.ORDER_COMPLETED,
        EventType.CUSTOMER_REGISTERED,
    }
    return [
        ("events kept", str(len(events)), expected <= {row.type for row in rows}),
        (
            "deliveries delivered",
            f"{len(delivered)} of {len(deliveries)}, {idle} of them with nothing to do",
            delivered == deliveries != [],
        ),
        ("WhatsApp messages sent", ", ".join(texts), set(MESSAGES) <= texts.keys()),
        (
            "the confirmation names the items",
            "both of them" if _names_items(texts) else "no",
            _names_items(texts),
        ),
        ("webhooks taken with a valid signature", f"{len(taken)} of {len(bridge)}", len(taken) == len(bridge) > 0),
        ("signatures refused", str(sum(not one.verified for one in received)), all(one.verified for one in received)),
        (f"delivered after {REFUSALS} refusals", str(len(retried)), len(retried) == 1),
    ]


def _names_items(texts: Mapping[str, Message]) -> bool:
    confirmation = texts.get("order_confirmation")
    return confirmation is not None and all(
        name in confirmation.text for name in ("Arepa reina pepiada", "Papelón con limón")
    )


async def _move(storefront: Storefront, order_id: UUID) -> None:
    for status in STATUSES:
        await asyncio.sleep(1.0)
        await storefront.move(order_id, status)


async def _watch(stage: Stage, order_id: UUID, moving: asyncio.Task[None], console: Console) -> list[Row]:
    rows: list[Row] = []
    with Live(live_view(rows), console=console, refresh_per_second=8) as live:
        try:
            async with asyncio.timeout(WATCH_LIMIT_S):
                while not (moving.done() and rows and all(row.is_done for row in rows)):
                    stage.host.require_alive()
                    stage.worker.require_alive()
                    if moving.done():
                        moving.result()
                    rows = await read_progress(stage.connection, stage.store_id, order_id)
                    live.update(live_view(rows))
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            console.print(f"[yellow]Not everything was done after {WATCH_LIMIT_S:g} s[/]")
    return rows


async def _install(stage: Stage, say: Callable[[str], None]) -> None:
    """Install both plugins through the API, or bring an earlier run's installations back to what this one needs."""
    wanted: dict[str, dict[str, Any]] = {
        "whatsapp": {"config": {"provider": "console"}},
        "webhook-bridge": {
            "config": {},
            "webhook_url": stage.receiver.hook_url,
            "webhook_secret": stage.hook_secret,
        },
    }
    path = f"{stage.base_url}/api/stores/{stage.store_id}/plugins"
    headers = {"Authorization": f"Bearer {stage.token}"}
    for slug in PLUGINS:
        answer = await stage.client.post(path, json={"plugin": slug, **wanted[slug]}, headers=headers)
        if answer.status_code == httpx.codes.CONFLICT:
            anew = wanted[slug] | {"enabled": True, "priority": 0, "policy": None}
            answer = await stage.client.put(f"{path}/{slug}", json=anew, headers=headers | {"If-Match": "*"})
        if not answer.is_success:
            raise DemoFailed(f"installing {slug} answered {answer.status_code}: {answer.text[:300]}", hint=BEGIN_ANEW)
        say(f"Installed {slug} through the API as the store's owner ({answer.status_code})")

"""The demo on the screen."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pideai_host.demo.progress import Message, Row
from pideai_host.demo.receiver import Received

_STYLE_OF_STATUS: Final = {"delivered": "green", "sent": "green", "pending": "yellow", "failed": "bold red"}
_PINK: Final = "#EB1C8D"


def live_view(rows: Sequence[Row]) -> RenderableType:
    """Show every event, the plugins it went to, every attempt and its result, as they stand."""
    table = Table(title="Events and deliveries, as the log tells them", title_style=_PINK, expand=True)
    for heading in ("event", "plugin", "attempts", "status"):
        table.add_column(heading, no_wrap=heading != "attempts")
    for row in rows:
        table.add_row(row.type, row.plugin or "—", _attempts(row), _status(row))
    return table


def messages_view(messages: Sequence[Message]) -> RenderableType:
    """Show each WhatsApp message as the customer would read it."""
    return Group(
        *(Panel(Text(one.text), title=f"WhatsApp to {one.phone} · {one.type} · {one.status}") for one in messages)
    )


def webhooks_view(received: Sequence[Received]) -> RenderableType:
    """Show what the local receiver got, in the order in which it came."""
    table = Table(title="Webhooks at the local receiver", title_style=_PINK, expand=True)
    for heading in ("webhook-id", "type", "signature (checked by standardwebhooks)", "answered"):
        table.add_column(heading)
    for one in received:
        table.add_row(one.id[:8], one.type, "valid" if one.verified else "INVALID", str(one.status))
    return table


def summary_view(facts: Sequence[tuple[str, str, bool]]) -> RenderableType:
    """Show what was checked, what was found, and whether it is as it should be."""
    table = Table(title="Summary", title_style=_PINK)
    for heading in ("checked", "found", ""):
        table.add_column(heading)
    for what, found, is_right in facts:
        table.add_row(what, found, "[green]ok[/]" if is_right else "[bold red]NOT OK[/]")
    return table


def _attempts(row: Row) -> str:
    if row.skipped is not None:
        return f"nothing to do: {row.skipped}"
    return "  ".join(_attempt(one) for one in row.attempt_log) or ("nobody subscribed" if row.plugin is None else "…")


def _attempt(one: dict[str, Any]) -> str:
    code = f" {one['code']}" if "code" in one else ""
    return f"{one.get('attempt', '')}: {one['outcome']}{code} ({one.get('duration_ms', 0)} ms)"


def _status(row: Row) -> Text:
    status = row.status or "kept"
    return Text(status, style=_STYLE_OF_STATUS.get(status, ""))

"""What providers report of messages: all reports of a call are taken as one set, and a message only goes forward.

A delivery whose answer was lost (`unknown`) is settled here, by the first word that proves what became of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from pideai_host.api import PluginContext, delivered, failed
from pideai_whatsapp.providers.signals import Accepted, Progress, Receipt, moves_to
from pideai_whatsapp.sending.queued import text_hash
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import line_of

IN_DOUBT: Final = frozenset({"claimed", "unknown"})
"""States of a send whose delivery waits for proof."""

NOT_DELIVERED: Final = "WhatsApp no entregó el mensaje."


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of reports.

    Attributes:
        moved: How many moved a message on.
        unknown: How many are of messages that are not this store's, or not ours.
        proves: Whether one of them shows that messages go through.
        may_be_early: Some may be of a message whose id its sender has not written down yet: they are to come again.
    """

    moved: int = 0
    unknown: int = 0
    proves: bool = False
    may_be_early: bool = False


async def take_receipts(context: PluginContext, receipts: Iterable[Receipt]) -> Taken:
    """Move the messages on that are reported of.

    A provider may report of a message before its sender has heard the id. So what nobody knows is looked for once more
    when nothing is being sent any more, and else is to come again, unless that would undo something.
    """
    furthest = furthest_of(receipts)
    if not furthest:
        return Taken()
    rows = await _moved(context, furthest)
    if not rows:
        if await _is_sending(context):
            return Taken(unknown=len(furthest), may_be_early=True)
        rows = await _moved(context, furthest)
    for row in rows:
        if row["is_moved"] and row["delivery_id"] is not None and row["state"] in IN_DOUBT:
            _settle(context, row["delivery_id"], row["progress"], row["error"], row["provider_message_id"])
    moved = [row for row in rows if row["is_moved"]]
    return Taken(
        moved=len(moved),
        unknown=len(furthest) - len(rows),
        proves=any(row["progress"] != Progress.FAILED for row in moved),
    )


async def take_accepted(context: PluginContext, accepted: Sequence[Accepted]) -> Taken:
    """Find the messages that a provider says it took over, among those whose answer is lost or still to come."""
    moved = 0
    for one in accepted:
        message_id, delivery_id = await _open_send(context, one) or (None, None)
        if message_id is None:
            continue
        row = await context.db.fetch_one(
            statement("send_found"),
            {
                "store_id": context.store_id,
                "message_id": message_id,
                "provider_message_id": one.provider_message_id,
            },
        )
        if row is None:
            continue
        moved += 1
        if delivery_id is not None:
            _settle(context, delivery_id, Progress.SENT, None, one.provider_message_id)
    return Taken(moved=moved, proves=bool(accepted))


def furthest_of(receipts: Iterable[Receipt]) -> list[Receipt]:
    """Return for each message the report that goes furthest; what says no more than accepted says nothing new."""
    furthest: dict[str, Receipt] = {}
    for one in receipts:
        known = furthest.get(one.provider_message_id)
        if one.progress is not Progress.ACCEPTED and (known is None or moves_to(known.progress, one.progress)):
            furthest[one.provider_message_id] = one
    return list(furthest.values())


async def _moved(context: PluginContext, furthest: Sequence[Receipt]) -> Sequence[Mapping[str, Any]]:
    told = msgspec.json.encode([_told(one) for one in furthest]).decode()
    return await context.db.fetch(statement("receipts"), {"store_id": context.store_id, "receipts": told})


async def _is_sending(context: PluginContext) -> bool:
    row = await context.db.fetch_one(statement("send_underway"), {"store_id": context.store_id})
    return row is not None and bool(row["is_underway"])


async def _open_send(context: PluginContext, accepted: Accepted) -> tuple[UUID, UUID | None] | None:
    rows = await context.db.fetch(
        statement("sends_open"),
        {
            "store_id": context.store_id,
            "hashes": [text_hash(accepted.text)],
            "ids": [accepted.provider_message_id],
        },
    )
    line = line_of(accepted.recipient_digits)
    return next(((row["message_id"], row["delivery_id"]) for row in rows if line_of(row["phone"]) == line), None)


def _settle(
    context: PluginContext, delivery_id: UUID, progress: str, error: str | None, provider_message_id: str
) -> None:
    if progress == Progress.FAILED:
        context.deliveries.settle(delivery_id, failed(error or NOT_DELIVERED))
    else:
        context.deliveries.settle(delivery_id, delivered({"provider_message_id": provider_message_id}))


def _told(receipt: Receipt) -> dict[str, object]:
    failure = (receipt.error or NOT_DELIVERED) if receipt.progress is Progress.FAILED else None
    return {
        "provider_message_id": receipt.provider_message_id,
        "reference": _own_id(receipt.reference),
        "progress": receipt.progress,
        "error": failure,
    }


def _own_id(reference: str | None) -> str | None:
    """Return a reference that is one of our message ids; whatever else came back is nothing of ours."""
    try:
        return None if reference is None else str(UUID(reference))
    except ValueError:
        return None

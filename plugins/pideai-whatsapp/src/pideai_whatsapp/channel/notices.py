"""What the owner is told of an outage: once when it lasts, once when it is over."""

from datetime import timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from pideai_whatsapp.channel.rows import ChannelRow
from pideai_whatsapp.channel.state import Reason, State

GRACE: Final = timedelta(seconds=60)
"""What is over sooner, nobody is told of; that a session is over for good is told at once."""

BACK: Final = "Tu WhatsApp vuelve a funcionar: los avisos que esperaban salen ahora."

_LINK: Final = "Los avisos a tus clientes esperan: vuelve a vincularlo en la sección WhatsApp."
_WORDS: Final = {
    Reason.LOGGED_OUT: f"Tu WhatsApp se desvinculó desde el teléfono. {_LINK}",
    Reason.BANNED: "WhatsApp bloqueó el número de tu tienda: los avisos a tus clientes no salen.",
    Reason.NO_INSTANCE: f"La conexión de tu WhatsApp ya no existe en el servidor. {_LINK}",
    Reason.SENDS_FAIL: (
        "Tu WhatsApp figura como conectado, pero los mensajes no salen. Los avisos esperan mientras lo reintentamos; "
        "si sigue así, revisa el teléfono o vuelve a vincularlo en la sección WhatsApp."
    ),
    Reason.RECONNECTING: (
        "Tu WhatsApp perdió la conexión y la está recuperando. Los avisos a tus clientes esperan; "
        "revisa que el teléfono tenga internet."
    ),
}
_OTHERWISE: Final = f"Tu WhatsApp se desconectó. {_LINK}"


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Words for the owner."""

    text: str
    level: str


def noted(row: ChannelRow) -> ChannelRow:
    """Note whether the owner is to be told now; `notice_of` says what."""
    channel = row.channel
    if row.told_at is not None:
        is_over = channel.outage_since is None and channel.state is State.OPEN
        return replace(row, told_at=None) if is_over else row
    if channel.outage_since is None:
        return row
    is_lasting = channel.state is State.SUSPECT and row.at - channel.outage_since >= GRACE
    return replace(row, told_at=row.at) if is_lasting or channel.state is State.CLOSED else row


def notice_of(before: ChannelRow, now: ChannelRow) -> Notice | None:
    """Return what the owner is to be told after a change that was written."""
    if before.told_at is None and now.told_at is not None:
        reason = now.channel.reason
        return Notice(text=_WORDS.get(reason, _OTHERWISE) if reason else _OTHERWISE, level="warning")
    if before.told_at is not None and now.told_at is None:
        return Notice(text=BACK, level="info")
    return None

"""Linking the store's phone: begin, watch the code change, see how it stands, unlink."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from litestar import get, post
from litestar.params import JSONBody

from pideai_host.api import PluginContext
from pideai_whatsapp.channel.linking import channel_seen, link, needs_session, unlink
from pideai_whatsapp.channel.rows import ChannelRow
from pideai_whatsapp.channel.state import QR_LIVES, Reason, State
from pideai_whatsapp.config import ProviderName, WhatsAppConfig, read_config
from pideai_whatsapp.routes.parts import Config, Context, TypedPhone
from pideai_whatsapp.routes.phones import phone_in_store
from pideai_whatsapp.text.phones import Phone

WATCHED_EVERY_S: Final = 1.0


class ConnectIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the phone is to be linked."""

    phone: Annotated[
        TypedPhone | None, msgspec.Meta(description="The phone to link, for a code to type instead of scanning.")
    ] = None


class DisconnectIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the phone is to be unlinked."""

    delete: Annotated[bool, msgspec.Meta(description="Whether the store's instance at the provider goes as well.")] = (
        False
    )


class QrOut(msgspec.Struct, frozen=True, kw_only=True):
    """A code to scan with the store's phone. It lives 45 seconds; the next one comes by itself."""

    image: Annotated[str | None, msgspec.Meta(description="The picture, a PNG as data URL.")]
    code: Annotated[str, msgspec.Meta(description="What the picture says, for a page that draws it itself.")]
    pairing_code: Annotated[
        str | None, msgspec.Meta(description="Eight characters to type in the phone, if its number was given.")
    ]
    expires_at: datetime


class ChannelOut(msgspec.Struct, frozen=True, kw_only=True):
    """A store's channel to WhatsApp."""

    provider: ProviderName
    state: Annotated[
        State,
        msgspec.Meta(
            description=(
                "`unlinked`: no phone. `connecting`: a code waits to be scanned. `open`: messages go out. `suspect`: "
                "it said open and something speaks against that, messages wait. `closed`: the session is over, link "
                "again. `refused`: nobody scanned, link again."
            )
        ),
    ]
    reason: Annotated[Reason | None, msgspec.Meta(description="Why it is not open.")]
    is_connected: Annotated[bool, msgspec.Meta(description="Whether messages go out now.")]
    needs_phone: Annotated[bool, msgspec.Meta(description="Whether this provider speaks through a linked phone.")]
    connected_phone: Annotated[str | None, msgspec.Meta(description="The linked phone, in E.164.")]
    qr: QrOut | None
    since: Annotated[datetime | None, msgspec.Meta(description="Since when it is in this state.")]
    outage_since: Annotated[
        datetime | None, msgspec.Meta(description="Since when a channel that was open cannot be trusted.")
    ]


@post("/connect", status_code=200, summary="Begin to link the store's phone")
async def connect(config: Config, context: Context, data: JSONBody[ConnectIn | None] = None) -> ChannelOut:
    """Make the store's instance, or take the one that is there, and return a code to scan.

    What is linked already, or shows a fresh code, is answered as it is. The code may take a few seconds to come: watch
    `status/stream`.
    """
    read = read_config(config)
    number = await _phone_of(data, context)
    return shown(read, await link(read, context, number=number))


@get("/status", summary="Show how the store's phone is linked")
async def get_status(config: Config, context: Context) -> ChannelOut:
    """Show the channel, and the code to scan while there is one."""
    read = read_config(config)
    return shown(read, await channel_seen(read, context))


@get("/status/stream", opt={"watched_every_s": WATCHED_EVERY_S}, summary="Watch the link of the store's phone")
async def stream_status(config: Config, context: Context) -> ChannelOut:
    """Watch the channel: each new code, and when the phone is linked."""
    read = read_config(config)
    return shown(read, await channel_seen(read, context))


@post("/disconnect", status_code=200, opt={"needs_plan": False}, summary="Unlink the store's phone")
async def disconnect(config: Config, context: Context, data: JSONBody[DisconnectIn | None] = None) -> ChannelOut:
    """Unlink the phone; messages wait until one is linked again. What is unlinked already stays so."""
    read = read_config(config)
    return shown(read, await unlink(read, context, delete=data is not None and data.delete))


def shown(config: WhatsAppConfig, row: ChannelRow) -> ChannelOut:
    """Return a channel as the owner may see it."""
    channel = row.channel
    is_linked = channel.state in (State.OPEN, State.SUSPECT)
    return ChannelOut(
        provider=config.provider,
        state=channel.state,
        reason=channel.reason,
        is_connected=channel.is_usable,
        needs_phone=needs_session(config),
        connected_phone=channel.phone if is_linked and needs_session(config) else None,
        qr=_qr_of(row),
        since=channel.since,
        outage_since=channel.outage_since,
    )


def _qr_of(row: ChannelRow) -> QrOut | None:
    qr, came_at = row.channel.shown_qr(row.at), row.channel.qr_at
    if qr is None or came_at is None:
        return None
    return QrOut(image=qr.png_data_url, code=qr.code, pairing_code=qr.pairing_code, expires_at=came_at + QR_LIVES)


async def _phone_of(data: ConnectIn | None, context: PluginContext) -> Phone | None:
    if data is None or data.phone is None:
        return None
    return await phone_in_store(context.db, context.store_id, data.phone)

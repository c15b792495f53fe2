"""Linking a store's phone and unlinking it: what the owner asks for, said to the provider and written down."""

from uuid import UUID

from msgspec.structs import replace

from pideai_host.api import Database, PluginContext
from pideai_whatsapp.channel.rows import PHONE_PROVIDERS, ChannelRow, Whose, change, ensure_channel, read_channel
from pideai_whatsapp.channel.state import LinkAsked, Linked, State, Switched, Unlinked, after
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.errors import InstanceForeign
from pideai_whatsapp.providers.base import NotConnected, SessionProvider
from pideai_whatsapp.providers.choose import session_provider_for, webhook_target
from pideai_whatsapp.statements import statement
from pideai_whatsapp.text.phones import Phone, digits_of


async def channel_seen(config: WhatsAppConfig, context: PluginContext) -> ChannelRow:
    """Read a store's channel as `channel_of` would leave it, and write nothing."""
    row = await read_channel(context.db, context.store_id)
    if _is_of(config, row):
        return row
    return replace(row, provider=config.provider, channel=after(row.channel, Switched(needs_session(config)), row.at))


async def channel_of(config: WhatsAppConfig, context: PluginContext) -> ChannelRow:
    """Read a store's channel; one that the provider before left behind is begun anew."""
    row = await read_channel(context.db, context.store_id)
    if _is_of(config, row):
        return row
    return (await change(context.db, whose_of(config, row), [Switched(needs_session(config))], row=row))[1]


async def begin(config: WhatsAppConfig, context: PluginContext) -> None:
    """Have a store's channel looked after: one that its phone was linked to before, or with another provider."""
    row = await channel_of(config, context)
    await ensure_channel(context.db, whose_of(config, row))


async def link(config: WhatsAppConfig, context: PluginContext, *, number: Phone | None = None) -> ChannelRow:
    """Make or take the store's instance and begin to link its phone; what is linked or shows a fresh code stays.

    A phone that was linked before the plugin came is not taken on trust: its instance reports elsewhere.

    Raises:
        ProviderProblem: the provider does not do it now.
        InstanceForeign: the instance is another store's.
        ChannelBusy: others change the channel all the time; it may be asked again.
    """
    row = await channel_of(config, context)
    is_linked = row.channel.state is State.OPEN and row.hooked_at is not None
    if is_linked or (row.channel.shown_qr(row.at) is not None and number is None):
        return row
    provider = await own_provider(config, row, context)
    if provider is None:
        return row
    target, whose = webhook_target(context), whose_of(config, row)
    _, asked = await change(context.db, whose, [LinkAsked()], row=row)
    link = await provider.link(
        webhook=target,
        number=None if number is None else digits_of(number),
        previous=asked.channel.previous_code,
    )
    before, row = await change(context.db, whose, [Linked(link)], noting=lambda row: replace(row, hooked_at=row.at))
    wake_if_opened(before, row, context)
    return row


async def unlink(config: WhatsAppConfig, context: PluginContext, *, delete: bool = False) -> ChannelRow:
    """Unlink the store's phone, and delete its instance if that is wanted; what is unlinked already is no problem.

    The owner's word is written first: whatever the provider reports of it is no news then.

    Raises:
        ProviderProblem: the provider did not do it; it may be asked again.
        ChannelBusy: others change the channel all the time; it may be asked again.
    """
    row = await channel_of(config, context)
    provider = await own_provider(config, row, context)
    if provider is None:
        return row
    _, row = await change(context.db, whose_of(config, row), [Unlinked()], row=row)
    try:
        await provider.log_out()
    except NotConnected:
        # The server's socket is dead, and with it its way to say good-bye: only without the instance it is quiet.
        delete = True
    if delete:
        await provider.delete()
    return row


def wake_if_opened(before: ChannelRow, now: ChannelRow, context: PluginContext) -> None:
    """Have the store's messages that wait go out, if its channel has just opened."""
    if now.channel.is_usable and not before.channel.is_usable:
        context.deliveries.wake()


def needs_session(config: WhatsAppConfig) -> bool:
    """Tell whether a store's provider speaks through a phone that the store links."""
    return config.provider in PHONE_PROVIDERS


def whose_of(config: WhatsAppConfig, row: ChannelRow) -> Whose:
    """Return whose channel was read."""
    return Whose(store_id=row.store_id, provider=config.provider, instance=instance_of(config, row))


def instance_of(config: WhatsAppConfig, row: ChannelRow) -> str:
    """Return the name of the store's instance."""
    return config.instance_name or row.subdomain


def _is_of(config: WhatsAppConfig, row: ChannelRow) -> bool:
    return row.provider == config.provider or (row.provider is None and needs_session(config))


async def own_provider(config: WhatsAppConfig, row: ChannelRow, context: PluginContext) -> SessionProvider | None:
    """Return the store's provider if it links a phone, through an instance that is the store's own.

    Raises:
        InstanceForeign: one operator key opens every instance, and this one is another store's.
    """
    if needs_session(config) and not await claim_instance(context.db, context.store_id, instance_of(config, row)):
        raise InstanceForeign("El nombre de instancia pertenece a otra tienda.")
    return session_provider_for(config, subdomain=row.subdomain, context=context)


async def claim_instance(db: Database, store_id: UUID, name: str) -> bool:
    """Take an instance's name for a store; False if it is another store's, by choice, by link or by subdomain."""
    names = {"store_id": store_id, "instance_name": name}
    found = await db.fetch_one(statement("foreign_instance"), names)
    if found is None or found["is_foreign"]:
        return False
    return await take_name(db, store_id, name)


async def take_name(db: Database, store_id: UUID, name: str) -> bool:
    """Note that an instance's name is this store's; False if another store took it before. Atomic."""
    names = {"store_id": store_id, "instance_name": name}
    return await db.execute(statement("instance_claim"), names) == 1

"""The switches as the panel shows them: what holds for each, and who says so."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from litestar import get, patch
from litestar.params import JSONBody

from pideai_host.api import PluginContext, PluginSignal
from pideai_whatsapp.channel.linking import channel_seen, needs_session
from pideai_whatsapp.channel.state import State
from pideai_whatsapp.config import CART_DELAY_MAX_MINUTES, ProviderName, WhatsAppConfig, read_config
from pideai_whatsapp.routes.parts import Config, Context
from pideai_whatsapp.sending.rows import panel_of
from pideai_whatsapp.sending.switches import ON_FROM_THE_START, said, switches_of
from pideai_whatsapp.statements import statement

CART_DELAY_MINUTES = 30

CartDelay = Annotated[int, msgspec.Meta(ge=1, le=CART_DELAY_MAX_MINUTES)]
Switch = Annotated[bool | None, msgspec.Meta(description="Left out, it stays.")]


class SwitchFixed(PluginSignal):
    """A switch is set by the plugin's configuration, which counts before the panel's."""

    code: ClassVar[str] = "switch_fixed"


class SettingsIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Switches to set; what is left out stays."""

    auto_order_confirmation: Switch = None
    auto_order_preparing: Switch = None
    auto_order_ready: Switch = None
    auto_order_out_for_delivery: Switch = None
    auto_order_delivered: Switch = None
    auto_order_cancelled: Switch = None
    auto_abandoned_cart: Switch = None
    abandoned_cart_delay_minutes: Annotated[
        CartDelay | None, msgspec.Meta(description="How long a cart must lie. Left out, it stays.")
    ] = None


class SettingsOut(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for a store: the fields of the panel's settings, without any provider's key."""

    is_enabled: Annotated[bool, msgspec.Meta(description="Whether the store sends; the installation's own switch.")]
    is_connected: bool
    connected_phone: str | None
    provider: ProviderName
    instance_name: Annotated[str | None, msgspec.Meta(description="The store's instance, where its provider has any.")]
    subscription_status: str | None
    confirmation_on: Annotated[
        Literal["created", "confirmed"], msgspec.Meta(description="When an order is confirmed to its customer.")
    ]
    auto_order_confirmation: bool
    auto_order_preparing: bool
    auto_order_ready: bool
    auto_order_out_for_delivery: bool
    auto_order_delivered: bool
    auto_order_cancelled: bool
    auto_abandoned_cart: bool
    abandoned_cart_delay_minutes: int
    fixed: Annotated[
        list[str], msgspec.Meta(description="Switches that the plugin's configuration sets: changed there, not here.")
    ]
    silent: Annotated[
        list[str], msgspec.Meta(description="Switches that are on while their template is off: nothing is sent.")
    ]


@get("/settings", summary="Show the store's switches")
async def get_settings(config: Config, context: Context) -> SettingsOut:
    """Show what holds, whoever says so."""
    return await _shown(read_config(config), context)


@patch("/settings", summary="Change the store's switches")
async def update_settings(data: JSONBody[SettingsIn], config: Config, context: Context) -> SettingsOut:
    """Change switches. One that the plugin's configuration sets is refused: change it there."""
    read = read_config(config)
    wanted = {name: value for name, value in msgspec.structs.asdict(data).items() if value is not None}
    fixed = [name for name in _fixed(read) if name in wanted]
    if fixed:
        raise SwitchFixed(
            "La configuración del plugin ya fija: " + ", ".join(fixed) + ".",
            hint="Cámbialo en la configuración del plugin.",
        )
    values = {kind.value: wanted.get(f"auto_{kind}") for kind in ON_FROM_THE_START}
    delay = wanted.get("abandoned_cart_delay_minutes")
    params = {"store_id": context.store_id, "delay_minutes": delay, **values}
    if await context.db.execute(statement("settings_flags"), params) == 0:
        await context.db.execute(statement("settings_enable"), params)
    return await _shown(read, context)


async def _shown(config: WhatsAppConfig, context: PluginContext) -> SettingsOut:
    row: Mapping[str, Any] = await context.db.fetch_one(statement("settings"), {"store_id": context.store_id}) or {}
    channel = await channel_seen(config, context)
    switches = switches_of(config, panel_of(row), is_adopted=bool(row.get("is_adopted")))
    is_linked = needs_session(config) and channel.channel.state in (State.OPEN, State.SUSPECT)
    inactive = row.get("inactive_templates") or ()
    return SettingsOut(
        is_enabled=row.get("is_enabled") is not False,
        is_connected=channel.channel.is_usable,
        connected_phone=channel.channel.phone if is_linked else None,
        provider=config.provider,
        instance_name=(config.instance_name or channel.subdomain) if config.provider == "evolution" else None,
        subscription_status=row.get("subscription_status"),
        confirmation_on=switches.confirmation_on,
        abandoned_cart_delay_minutes=(
            config.abandoned_cart_delay_minutes or row.get("abandoned_cart_delay_minutes") or CART_DELAY_MINUTES
        ),
        fixed=_fixed(config),
        silent=[f"auto_{kind}" for kind in ON_FROM_THE_START if kind in switches.on and kind in inactive],
        **{f"auto_{kind}": kind in switches.on for kind in ON_FROM_THE_START},
    )


def _fixed(config: WhatsAppConfig) -> list[str]:
    names = [f"auto_{kind}" for kind in said(config)]
    return names if config.abandoned_cart_delay_minutes is None else [*names, "abandoned_cart_delay_minutes"]

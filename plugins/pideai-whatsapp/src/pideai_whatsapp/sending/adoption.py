"""A store's ``whatsapp_settings`` and the plugin: what is taken over at the start, and what is kept in step.

Installing changes nothing that today's triggers look at, so that a store can wait, installed and disabled, until it is
cut over. Enabling and disabling set ``is_enabled``; what the configuration says of the switches is written to the row,
what it does not say is read from it (`switches`). `channel` keeps ``is_connected`` and ``connected_phone``.
"""

from typing import Any
from uuid import UUID

from pideai_host.api import Database
from pideai_whatsapp.config import WhatsAppConfig
from pideai_whatsapp.sending.switches import ON_FROM_THE_START, said
from pideai_whatsapp.statements import statement


async def adopt(db: Database, store_id: UUID) -> None:
    """Note whether a store that installs the plugin sent through WhatsApp before; the first time holds. Idempotent."""
    await db.execute(statement("adopt"), {"store_id": store_id})


async def enable(db: Database, store_id: UUID, config: WhatsAppConfig) -> None:
    """Tell the panel that WhatsApp is on, and which switches the configuration sets. Idempotent."""
    await db.execute(statement("settings_enable"), _told(store_id, config))


async def tell_switches(db: Database, store_id: UUID, config: WhatsAppConfig) -> None:
    """Tell the panel which switches the configuration sets, if the store has a row for it. Idempotent."""
    await db.execute(statement("settings_flags"), _told(store_id, config))


async def disable(db: Database, store_id: UUID) -> None:
    """Tell the panel that WhatsApp is off. Idempotent."""
    await db.execute(statement("settings_disable"), {"store_id": store_id})


def _told(store_id: UUID, config: WhatsAppConfig) -> dict[str, Any]:
    told = said(config)
    return {
        "store_id": store_id,
        "delay_minutes": config.abandoned_cart_delay_minutes,
        **{kind.value: told.get(kind) for kind in ON_FROM_THE_START},
    }

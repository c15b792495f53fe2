"""What has to be there before a store is cut over. Pure; each fault says what to do about it."""

from typing import Final

from pideai_whatsapp.config import ProviderName
from pideai_whatsapp.cutover.rows import HostStanding, StoreStanding

TEMPLATES: Final = 6
_FLAGS: Final = {
    "autoOrderConfirmation": "auto_order_confirmation",
    "autoOrderPreparing": "auto_order_preparing",
    "autoOrderReady": "auto_order_ready",
    "autoOrderOutForDelivery": "auto_order_out_for_delivery",
    "autoOrderDelivered": "auto_order_delivered",
    "autoOrderCancelled": "auto_order_cancelled",
}


def missing_of_host(host: HostStanding) -> list[str]:
    """Say what the host lacks for any store."""
    missing = []
    if not host.is_captured and host.webhook_heard_at is None:
        missing.append(
            "no door is open: neither is `orders` captured nor was a database webhook heard within a day "
            "(`pideai-host supabase capture enable orders`)"
        )
    if not host.has_worker:
        missing.append("no worker is alive (`pideai-host serve`)")
    if not host.has_scheduler:
        missing.append("no scheduler is alive, which would bring what the doors missed (`pideai-host serve`)")
    return missing


def missing_of_store(store: StoreStanding) -> list[str]:
    """Say what a store lacks, but for its provider; one that sends nothing today needs to be installed, no more."""
    if not store.is_installed:
        return ["the plugin is not installed (install it through the API, or add --install)"]
    if store.installation_state not in {"enabled", "disabled"}:
        return [f"its installation is {store.installation_state}: wait, or have it repaired"]
    if not store.is_sending:
        return []
    missing = []
    if not store.is_connected and store.config.get("provider") == ProviderName.EVOLUTION:
        missing.append("its WhatsApp is not connected")
    if store.templates < TEMPLATES:
        missing.append(
            f"it has {store.templates} of the {TEMPLATES} templates of orders (initialize_whatsapp_templates)"
        )
    told = store.config.get("confirmationOn") or ("confirmed" if store.is_adopted else "created")
    if told != "confirmed":
        missing.append(
            "it would confirm orders when they are placed, today's triggers do when they are confirmed: an order in "
            "between would be told twice or never (set confirmationOn to confirmed; change it later if you like)"
        )
    return missing


def remarks_of(store: StoreStanding) -> list[str]:
    """Say what will be different for a store's customers."""
    differ = [
        name
        for name, column in _FLAGS.items()
        if store.is_sending
        and name in store.config
        and store.config[name] is not (store.settings.get(column) is not False)
    ]
    return [f"switched otherwise than today: {', '.join(differ)}"] if differ else []

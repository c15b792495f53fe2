"""The store's provider for one attempt, asked before a credit is touched whether it can send now."""

from typing import Final

from pideai_whatsapp.providers.base import MessageRefused, NotConnected, Provider
from pideai_whatsapp.sending.attempt import Attempt
from pideai_whatsapp.sending.facts import Facts

FOREIGN_INSTANCE: Final = "El nombre de instancia pertenece a otra tienda."


async def provider_of(facts: Facts, attempt: Attempt) -> Provider:
    """Return the store's provider.

    Raises:
        ProviderProblem: it is not configured, or goes by another store's instance.
    """
    config = attempt.config
    name = config.instance_name
    is_foreign = facts.is_taken if name is None else await attempt.records.is_foreign_instance(name)
    if is_foreign and (name is not None or config.provider == "evolution"):
        raise MessageRefused(FOREIGN_INSTANCE)
    return await attempt.provider_for(config, subdomain=facts.store.subdomain, context=attempt.context)


async def ready_provider_of(facts: Facts, attempt: Attempt) -> Provider:
    """Return the store's provider, if it can send now.

    Raises:
        ProviderProblem: it cannot; `NotConnected` while the store has linked no phone.
    """
    provider = await provider_of(facts, attempt)
    if provider.needs_session and not facts.is_connected:
        raise NotConnected("El WhatsApp de la tienda no está conectado.")
    return provider

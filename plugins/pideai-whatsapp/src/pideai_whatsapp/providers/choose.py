"""From a store's configuration to its provider."""

from typing import Final, assert_never

from pideai_host.api import PluginContext
from pideai_whatsapp.config import ProviderName, WhatsAppConfig
from pideai_whatsapp.providers.base import Provider, ProviderConfiguration, SessionProvider
from pideai_whatsapp.providers.console import ConsoleProvider
from pideai_whatsapp.providers.evolution import EvolutionProvider

URL: Final = "evolution_api_url"
KEY: Final = "evolution_api_key"


async def provider_for(config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> Provider:
    """Make the provider of one call; its secrets are read each time.

    Args:
        config: The store's.
        subdomain: The store's, which names its instance unless the configuration does.
        context: The call's.

    Raises:
        ProviderConfiguration: the operator or the store has not set what this provider needs.
    """
    match config.provider:
        case ProviderName.CONSOLE:
            return ConsoleProvider(context.log)
        case ProviderName.EVOLUTION:
            return _evolution(config, subdomain=subdomain, context=context)
        case _:
            assert_never(config.provider)


def session_provider_for(config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> SessionProvider | None:
    """Make the provider through which a store links its phone; None if its provider needs no phone.

    Raises:
        ProviderConfiguration: the operator has not set what this provider needs.
    """
    if config.provider is not ProviderName.EVOLUTION:
        return None
    return _evolution(config, subdomain=subdomain, context=context)


def _evolution(config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> EvolutionProvider:
    url, key = context.secrets.operator(URL), context.secrets.operator(KEY)
    if not url or not key:
        raise ProviderConfiguration("Este servidor no tiene configurado Evolution (dirección y clave).")
    return EvolutionProvider(context.http, url=url, key=key, instance=config.instance_name or subdomain)

"""From a store's configuration to its provider."""

from typing import Final, assert_never

from pideai_host.api import PluginContext
from pideai_whatsapp.config import ProviderName
from pideai_whatsapp.providers.base import Provider, ProviderConfiguration
from pideai_whatsapp.providers.console import ConsoleProvider
from pideai_whatsapp.providers.evolution import EvolutionProvider

URL: Final = "evolution_api_url"
KEY: Final = "evolution_api_key"


def provider_for(name: ProviderName, *, instance: str, context: PluginContext) -> Provider:
    """Make the provider of one call; the operator's key is taken from the environment each time.

    Raises:
        ProviderConfiguration: the operator has not set what this provider needs.
    """
    match name:
        case ProviderName.CONSOLE:
            return ConsoleProvider(context.log)
        case ProviderName.EVOLUTION:
            url, key = context.secrets.operator(URL), context.secrets.operator(KEY)
            if not url or not key:
                raise ProviderConfiguration("Este servidor no tiene configurado Evolution (dirección y clave).")
            return EvolutionProvider(context.http, url=url, key=key, instance=instance)
        case _:
            assert_never(name)

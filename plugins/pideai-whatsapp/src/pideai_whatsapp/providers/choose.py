"""From a store's configuration to its provider, and to the secrets by which its reports are known.

Secrets are read for each call and live no longer.
"""

import hashlib
import hmac
from typing import Final, assert_never
from uuid import UUID

from pideai_host.api import PluginContext
from pideai_whatsapp.config import ProviderName, WhatsAppConfig
from pideai_whatsapp.providers import meta, sections, twilio
from pideai_whatsapp.providers.base import Provider, ProviderConfiguration, SessionProvider, WebhookTarget
from pideai_whatsapp.providers.console import ConsoleProvider
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.providers.meta import MetaNumber, MetaProvider
from pideai_whatsapp.providers.twilio import TwilioAccount, TwilioProvider

URL: Final = "evolution_api_url"
KEY: Final = "evolution_api_key"
PUBLIC_URL: Final = "public_url"
WEBHOOK_KEY: Final = "webhook_key"
TWILIO_URL: Final = "twilio_api_url"
META_URL: Final = "meta_api_url"
META_APP_SECRET: Final = "meta_app_secret"  # noqa: S105 - its name
META_VERIFY_TOKEN: Final = "meta_verify_token"  # noqa: S105 - its name


async def provider_for(config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> Provider:
    """Make the provider of one call.

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
        case ProviderName.TWILIO:
            return await twilio_for(config, context)
        case ProviderName.META:
            return await meta_for(config, context)
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


def callback_url(context: PluginContext) -> str | None:
    """Return where this store's provider reports to; None if the operator has not said where this host is reached."""
    public_url = context.secrets.operator(PUBLIC_URL)
    return store_url(public_url, context.store_id) if public_url else None


def store_url(public_url: str, store_id: UUID) -> str:
    """Return the address of a store's reports on a host that is reached at `public_url`."""
    return f"{public_url.rstrip('/')}/webhooks/plugins/whatsapp/{store_id}"


def webhook_secret(webhook_key: str, store_id: UUID) -> str:
    """Return the word by which Evolution's reports of one store are known: derived, so that no table holds it."""
    return hmac.new(webhook_key.encode(), b"pideai-whatsapp/" + store_id.bytes, hashlib.sha256).hexdigest()


def webhook_target(context: PluginContext) -> WebhookTarget:
    """Return where Evolution reports to about this store.

    Raises:
        ProviderConfiguration: the operator has not said where this host is reached, or with which key.
    """
    url, words = callback_url(context), webhook_words(context)
    if url is None or not words:
        raise ProviderConfiguration(
            "Este servidor no tiene configurada su dirección pública ni la clave de sus avisos."
        )
    return WebhookTarget(url=url, secret=words[0])


def webhook_words(context: PluginContext) -> list[str]:
    """Return the words by which Evolution's reports of this store are known, the one of today first.

    The operator's key may be several, separated by commas, while an old one is being replaced.
    """
    keys = [key.strip() for key in (context.secrets.operator(WEBHOOK_KEY) or "").split(",")]
    return [webhook_secret(key, context.store_id) for key in keys if key]


async def twilio_auth_token(context: PluginContext) -> str | None:
    """Return the token with which Twilio signs this store's reports."""
    return await context.secrets.get(sections.TWILIO_AUTH_TOKEN)


async def meta_app_secret(context: PluginContext) -> str | None:
    """Return the secret with which Meta signs this store's reports: its own app's, or the operator's."""
    return await context.secrets.get(sections.META_APP_SECRET) or context.secrets.operator(META_APP_SECRET)


async def meta_verify_token(context: PluginContext) -> str | None:
    """Return the token by which Meta asks whether this store's address is ours: its own, or the operator's."""
    return await context.secrets.get(sections.META_VERIFY_TOKEN) or context.secrets.operator(META_VERIFY_TOKEN)


def _evolution(config: WhatsAppConfig, *, subdomain: str, context: PluginContext) -> EvolutionProvider:
    url, key = context.secrets.operator(URL), context.secrets.operator(KEY)
    if not url or not key:
        raise ProviderConfiguration("Este servidor no tiene configurado Evolution (dirección y clave).")
    return EvolutionProvider(context.http, url=url, key=key, instance=config.instance_name or subdomain)


async def twilio_for(config: WhatsAppConfig, context: PluginContext) -> TwilioProvider:
    """Make Twilio of a store that has an account there, whether it sends through it now or did before.

    Raises:
        ProviderConfiguration: the store has no account, or its key is missing.
    """
    section = config.twilio
    if section is None:
        raise ProviderConfiguration("La tienda no tiene configurada su cuenta de Twilio.")
    place = sections.TWILIO_AUTH_TOKEN if section.api_key_sid is None else sections.TWILIO_API_KEY_SECRET
    password = await context.secrets.get(place)
    if not password:
        raise ProviderConfiguration("La tienda no tiene configurada la clave de su cuenta de Twilio.")
    account = TwilioAccount(
        account_sid=section.account_sid,
        user=section.api_key_sid or section.account_sid,
        password=password,
        sender=section.sender,
        messaging_service_sid=section.messaging_service_sid,
    )
    base_url = context.secrets.operator(TWILIO_URL) or twilio.BASE_URL
    return TwilioProvider(context.http, account=account, callback_url=callback_url(context), base_url=base_url)


async def meta_for(config: WhatsAppConfig, context: PluginContext) -> MetaProvider:
    """Make Meta of a store that has a number there, whether it sends through it now or not.

    Raises:
        ProviderConfiguration: the store has no number, or its token is missing.
    """
    section = config.meta
    token = await context.secrets.get(sections.META_ACCESS_TOKEN) if section is not None else None
    if section is None or not token:
        raise ProviderConfiguration("La tienda no tiene configurado su número de WhatsApp Cloud.")
    number = MetaNumber(phone_number_id=section.phone_number_id, access_token=token, api_version=section.api_version)
    return MetaProvider(context.http, number=number, base_url=context.secrets.operator(META_URL) or meta.BASE_URL)

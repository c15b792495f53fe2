"""From a configuration and its secrets to a provider, and to the words by which reports are known."""

from typing import Any
from uuid import UUID

import pytest
from pideai_whatsapp.config import ProviderName, WhatsAppConfig
from pideai_whatsapp.providers import choose
from pideai_whatsapp.providers.base import ProviderConfiguration
from pideai_whatsapp.providers.choose import (
    callback_url,
    meta_app_secret,
    meta_verify_token,
    provider_for,
    session_provider_for,
    twilio_auth_token,
    webhook_secret,
    webhook_target,
)
from pideai_whatsapp.providers.sections import MetaSection, TwilioSection

from whatsapp_fakes.twilio import ACCOUNT

TWILIO = WhatsAppConfig(provider=ProviderName.TWILIO, twilio=TwilioSection(account_sid=ACCOUNT, sender="+14155238886"))
META = WhatsAppConfig(provider=ProviderName.META, meta=MetaSection(phone_number_id="106540352242922"))
CONSOLE = WhatsAppConfig(provider=ProviderName.CONSOLE)


async def provider_of(config: WhatsAppConfig, context: Any) -> Any:
    return await provider_for(config, subdomain="laarepera", context=context)


@pytest.mark.parametrize(
    ("config", "secret"), [(TWILIO, "/twilio/authToken"), (META, "/meta/accessToken"), (CONSOLE, "/none")]
)
async def test_a_provider_is_made_of_its_section_and_its_secret(
    config: WhatsAppConfig, secret: str, context: Any
) -> None:
    context.secrets.own[secret] = "opened-secret"

    provider = await provider_of(config, context)

    assert provider.name == config.provider.value
    assert not provider.needs_session
    assert session_provider_for(config, subdomain="laarepera", context=context) is None


async def test_an_api_key_sends_in_place_of_the_auth_token(context: Any) -> None:
    context.secrets.own.update({"/twilio/authToken": "opened-token", "/twilio/apiKeySecret": "opened-key"})
    config = WhatsAppConfig(
        provider=ProviderName.TWILIO,
        twilio=TwilioSection(account_sid=ACCOUNT, api_key_sid="SK" + "0" * 32, sender="+14155238886"),
    )

    assert (await provider_of(config, context)).name == "twilio"
    del context.secrets.own["/twilio/apiKeySecret"]
    with pytest.raises(ProviderConfiguration):
        await provider_of(config, context)


@pytest.mark.parametrize(
    "config",
    [TWILIO, META, WhatsAppConfig(provider=ProviderName.TWILIO), WhatsAppConfig(provider=ProviderName.META)],
)
async def test_what_is_not_set_is_said(config: WhatsAppConfig, context: Any) -> None:
    with pytest.raises(ProviderConfiguration):
        await provider_of(config, context)


async def test_no_secret_shows_in_a_provider(context: Any) -> None:
    context.secrets.own.update({"/twilio/authToken": "opened-secret", "/meta/accessToken": "opened-secret"})

    for config in (TWILIO, META):
        provider = await provider_of(config, context)
        assert "opened-secret" not in repr(provider)


async def test_reports_are_known_by_the_stores_own_secrets_or_the_operators(context: Any) -> None:
    assert await twilio_auth_token(context) is None
    context.secrets.values.update(meta_app_secret="operators", meta_verify_token="operators")

    assert (await meta_app_secret(context), await meta_verify_token(context)) == ("operators", "operators")

    context.secrets.own.update({"/meta/appSecret": "own", "/meta/verifyToken": "own"})
    assert (await meta_app_secret(context), await meta_verify_token(context)) == ("own", "own")


def test_the_webhook_secret_is_derived_per_store() -> None:
    one, other = webhook_secret("key", UUID(int=1)), webhook_secret("key", UUID(int=2))

    assert one != other
    assert one != webhook_secret("other", UUID(int=1))
    assert (len(one), one) == (64, webhook_secret("key", UUID(int=1)))


def test_a_webhook_has_its_store_in_its_path(context: Any) -> None:
    context.secrets.values.update(public_url="https://plugins.pideai.com/", webhook_key="key")

    target = webhook_target(context)

    assert target.url == f"https://plugins.pideai.com/webhooks/plugins/whatsapp/{context.store_id}"
    assert target.secret == webhook_secret("key", context.store_id)
    assert target.secret not in repr(target)


@pytest.mark.parametrize("missing", [choose.PUBLIC_URL, choose.WEBHOOK_KEY])
def test_a_webhook_needs_the_operators_address_and_key(missing: str, context: Any) -> None:
    context.secrets.values.update(public_url="https://plugins.pideai.com", webhook_key="key")
    del context.secrets.values[missing]

    with pytest.raises(ProviderConfiguration):
        webhook_target(context)


def test_without_a_public_address_there_is_no_callback(context: Any) -> None:
    assert callback_url(context) is None

"""The host reads the package's schema as it was meant: secrets sealed at depth, a provider with its section."""

import pytest
from pideai_whatsapp.config import CONFIG_SCHEMA, read_config

from pideai_host.api import ConfigRejected
from pideai_host.stores.config import prepare
from pideai_host.stores.schema import ConfigSchema

SCHEMA = ConfigSchema("whatsapp", CONFIG_SCHEMA)
TWILIO = {"accountSid": "AC" + "0" * 32, "authToken": "twilio-token", "sender": "+14155238886"}
META = {"phoneNumberId": "106540352242922", "accessToken": "meta-token", "appSecret": "app-secret"}


def test_secrets_are_parted_by_the_pointers_that_the_package_reads():
    prepared = prepare(SCHEMA, {"provider": "twilio", "twilio": TWILIO, "meta": META})

    assert prepared.secrets == {
        "/twilio/authToken": "twilio-token",
        "/meta/accessToken": "meta-token",
        "/meta/appSecret": "app-secret",
    }
    assert "token" not in repr(prepared.public)


def test_what_the_hooks_are_given_is_a_view_without_secrets():
    prepared = prepare(SCHEMA, {"provider": "meta", "meta": META})

    config = read_config(prepared.public)

    assert config.meta is not None
    assert (config.meta.phone_number_id, config.meta.api_version) == ("106540352242922", "v23.0")


def test_a_configuration_that_was_read_can_be_sent_back_and_keeps_its_secrets():
    first = prepare(SCHEMA, {"provider": "twilio", "twilio": TWILIO})

    again = prepare(SCHEMA, first.public, stored=first.public, kept=first.secrets)

    assert again.secrets == first.secrets


def test_a_store_can_change_its_provider_and_back_without_losing_the_account():
    first = prepare(SCHEMA, {"provider": "twilio", "twilio": TWILIO})
    away = prepare(SCHEMA, {**first.public, "provider": "evolution"}, stored=first.public, kept=first.secrets)

    back = prepare(SCHEMA, {**away.public, "provider": "twilio"}, stored=away.public, kept=away.secrets)

    assert (back.public, back.secrets) == (first.public, first.secrets)


@pytest.mark.parametrize("provider", ["twilio", "meta"])
def test_a_provider_without_its_section_is_refused(provider):
    with pytest.raises(ConfigRejected):
        prepare(SCHEMA, {"provider": provider})


def test_a_refusal_repeats_no_secret():
    with pytest.raises(ConfigRejected) as raised:
        prepare(SCHEMA, {"provider": "twilio", "twilio": {**TWILIO, "authToken": "sh\nrt secret"}})

    assert "rt secret" not in repr(raised.value.__dict__) + str(raised.value)

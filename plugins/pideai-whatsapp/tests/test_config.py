"""A store's configuration: schema and typed view say the same."""

import jsonschema
import msgspec
import pytest
from pideai_whatsapp.config import CONFIG_SCHEMA, ProviderName, WhatsAppConfig, read_config
from pideai_whatsapp.providers import sections
from pideai_whatsapp.providers.sections import MetaSection, TwilioSection

VALIDATOR = jsonschema.Draft202012Validator(CONFIG_SCHEMA)


def test_schema_is_valid_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(CONFIG_SCHEMA)


def test_schema_and_view_have_the_same_names() -> None:
    assert CONFIG_SCHEMA["properties"].keys() == set(WhatsAppConfig.__struct_encode_fields__)


def test_schema_and_view_have_the_same_defaults() -> None:
    in_schema = {name: rule.get("default") for name, rule in CONFIG_SCHEMA["properties"].items()}

    assert in_schema == msgspec.to_builtins(WhatsAppConfig())


def test_provider_alone_is_a_configuration() -> None:
    VALIDATOR.validate({"provider": "console"})

    assert read_config({"provider": "console"}) == WhatsAppConfig(provider=ProviderName.CONSOLE)


TWILIO = {"accountSid": "AC" + "0" * 32, "authToken": "twilio-token", "sender": "+14155238886"}
META = {"phoneNumberId": "106540352242922", "accessToken": "meta-token"}


@pytest.mark.parametrize(
    "config",
    [
        {"provider": "twilio", "twilio": TWILIO},
        {"provider": "twilio", "twilio": {**TWILIO, "apiKeySid": "SK" + "0" * 32, "apiKeySecret": "key-secret"}},
        {"provider": "meta", "meta": META},
        {
            "provider": "meta",
            "meta": {**META, "appSecret": "app-secret", "verifyToken": "verify-me", "apiVersion": "v24.0"},
        },
        {"provider": "evolution", "twilio": TWILIO, "meta": META},
    ],
)
def test_a_provider_with_its_section_is_a_configuration(config: dict[str, object]) -> None:
    VALIDATOR.validate(config)

    assert read_config(config).provider == config["provider"]


def test_every_secret_is_sealed_and_none_is_in_the_view() -> None:
    sealed = {
        f"/{section}/{name}"
        for section in ("twilio", "meta")
        for name, rule in CONFIG_SCHEMA["properties"][section]["properties"].items()
        if rule.get("writeOnly")
    }
    pointers = {value for name, value in vars(sections).items() if name.isupper() and str(value).startswith("/")}

    assert sealed == pointers - {sections.META_PHONE_NUMBER_ID}
    for view, section in ((TwilioSection, "twilio"), (MetaSection, "meta")):
        shown = {f"/{section}/{name}" for name in view.__struct_encode_fields__}
        rules = {f"/{section}/{name}" for name in CONFIG_SCHEMA["properties"][section]["properties"]}
        assert shown == rules - sealed


@pytest.mark.parametrize(
    "config",
    [
        {"provider": "twilio"},
        {"provider": "meta"},
        {"provider": "meta", "twilio": TWILIO},
        {"provider": "twilio", "twilio": {**TWILIO, "sender": "14155238886"}},
        {"provider": "twilio", "twilio": {**TWILIO, "accountSid": "../x"}},
        {"provider": "twilio", "twilio": {name: TWILIO[name] for name in ("accountSid", "sender")}},
        {"provider": "twilio", "twilio": {name: TWILIO[name] for name in ("accountSid", "authToken")}},
        {"provider": "twilio", "twilio": {**TWILIO, "apiKeySid": "SK" + "0" * 32}},
        {"provider": "meta", "meta": {**META, "phoneNumberId": "a/b"}},
        {"provider": "meta", "meta": {**META, "accessToken": "with space"}},
        {"provider": "meta", "meta": {**META, "apiVersion": "latest"}},
        {"provider": "meta", "meta": {"phoneNumberId": "106540352242922"}},
        {},
        {"provider": "pigeon"},
        {"provider": "evolution", "instanceName": "../other"},
        {"provider": "evolution", "instanceName": ""},
        {"provider": "evolution", "autoOrderRedy": True},
        {"provider": "evolution", "autoOrderReady": "yes"},
        {"provider": "evolution", "confirmationOn": "paid"},
        {"provider": "evolution", "confirmationStyle": "poem"},
        {"provider": "evolution", "abandonedCartDelayMinutes": 0},
        {"provider": "evolution", "abandonedCartDelayMinutes": 10_081},
    ],
)
def test_mistakes_are_refused(config: dict[str, object]) -> None:
    assert not VALIDATOR.is_valid(config)


def test_what_the_owner_does_not_say_stays_unsaid() -> None:
    assert [name for name, rule in CONFIG_SCHEMA["properties"].items() if "default" in rule] == [
        "provider",
        "confirmationStyle",
        "campaignsPerMinute",
    ]

"""A store's configuration: schema and typed view say the same."""

import jsonschema
import msgspec
import pytest
from pideai_whatsapp.config import CONFIG_SCHEMA, ProviderName, WhatsAppConfig, read_config

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


@pytest.mark.parametrize(
    "config",
    [
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
    ]

"""A kind of message goes by the provider's own template where the store names one."""

from typing import Any

import jsonschema
import pytest
from pideai_whatsapp.config import CONFIG_SCHEMA, read_config
from pideai_whatsapp.plugin import WhatsAppPlugin
from pideai_whatsapp.providers.base import ProviderTemplate, SendReceipt
from pideai_whatsapp.providers.templates import TemplateRule, filled
from pideai_whatsapp.text.templates import MessageType

from pideai_host.api import Outcome

READY = {"name": "pedido_listo", "variables": ["customer_name", "order_items", "delivery_address"]}
META = {"provider": "meta", "meta": {"phoneNumberId": "123456", "templates": {"order_ready": READY}}}
VALIDATOR = jsonschema.Draft202012Validator(CONFIG_SCHEMA)


class Recording:
    """Takes everything, and keeps how it was asked."""

    name = "meta"
    needs_session = False

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []

    async def send_text(self, to: str, text: str, *, reference: str | None = None) -> SendReceipt:
        self.calls.append(("text", text))
        return SendReceipt(message_id="wamid.1")

    async def send_template(self, to: str, template: ProviderTemplate, *, reference: str | None = None) -> SendReceipt:
        self.calls.append(("template", template))
        return SendReceipt(message_id="wamid.1")


@pytest.fixture
def provider() -> Recording:
    return Recording()


@pytest.fixture
def handle(provider: Recording, records: Any, context: Any) -> Any:
    async def provider_for(*_: Any, **__: Any) -> Any:
        return provider

    plugin = WhatsAppPlugin(records=lambda _: records, provider_for=provider_for)
    return lambda event, config: plugin.handle_event(event, config, context)


async def test_kind_with_a_template_goes_by_it_filled_with_our_tokens(
    handle: Any, provider: Recording, event: Any, moved: Any, records: Any
) -> None:
    result = await handle(event("order.ready", moved("ready", "preparing")), META)

    variables = {"1": "Ana Pérez", "2": "-", "3": "Calle 5, casa 3"}
    assert result.resolved is Outcome.DELIVERED
    assert provider.calls == [("template", ProviderTemplate(name="pedido_listo", language="es", variables=variables))]
    assert "está listo" in records.row["draft"].text


async def test_kind_without_one_goes_as_text(handle: Any, provider: Recording, event: Any, moved: Any) -> None:
    await handle(event("order.status_changed", moved("preparing")), META)

    assert [how for how, _ in provider.calls] == ["text"]


def test_values_are_put_on_one_line_and_never_left_empty() -> None:
    rule = TemplateRule(name="x", variables=("items", "nothing", "message"))

    template = filled(rule, {"items": "2 x Arepa\n  + Queso\n\n1 x Jugo", "message": "a\tb"})

    assert template.variables == {"1": "2 x Arepa; + Queso; 1 x Jugo", "2": "-", "3": "a b"}


@pytest.mark.parametrize(
    "templates",
    [
        {"order_lost": READY},
        {"order_ready": {"variables": []}},
        {"order_ready": {"name": "Con Espacios"}},
        {"order_ready": {**READY, "variables": ["{customer_name}"]}},
        {"order_ready": {**READY, "language": "español"}},
    ],
)
def test_mistakes_in_the_rules_are_refused(templates: Any) -> None:
    config = {"provider": "meta", "meta": {"phoneNumberId": "123456", "accessToken": "x" * 20, "templates": templates}}

    assert not VALIDATOR.is_valid(config)


def test_rules_of_the_provider_that_is_chosen_hold() -> None:
    config = read_config({**META, "provider": "console"})

    assert config.template_rule(MessageType.ORDER_READY) is None
    assert read_config(META).template_rule(MessageType.ORDER_READY) is not None

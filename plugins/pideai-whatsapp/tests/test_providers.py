"""The providers over a real socket: what leaves, and what each failure of the way means."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx
import pytest
from pideai_whatsapp.config import ProviderName, WhatsAppConfig
from pideai_whatsapp.providers import calls
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    NotConnected,
    ProviderConfiguration,
    ProviderUnavailable,
    RequestLost,
)
from pideai_whatsapp.providers.choose import provider_for
from pideai_whatsapp.providers.console import ConsoleProvider
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.text.phones import Phone

from pideai_host.api import AddressRefused

ANA = Phone("+584141234567")


async def provider_of(context: Any, instance: str = "laarepera") -> Any:
    config = WhatsAppConfig(provider=ProviderName.EVOLUTION, instance_name=instance)
    return await provider_for(config, subdomain="arepas", context=context)


async def test_text_reaches_whatsapp_with_digits_only(evolution: Any, context: Any) -> None:
    receipt = await (await provider_of(context)).send_text(ANA, "hola ñ 👋")

    (sent,) = evolution.sent
    assert (sent.instance, sent.number, sent.text) == ("laarepera", "584141234567", "hola ñ 👋")
    assert receipt.message_id == sent.message_id


@pytest.mark.parametrize("state", ["never", "connecting", "close"])
async def test_all_three_disguises_of_a_lost_session_are_not_connected(
    state: str, evolution: Any, context: Any
) -> None:
    evolution.states["laarepera"] = state

    with pytest.raises(NotConnected):
        await (await provider_of(context)).send_text(ANA, "hola")


async def test_missing_instance_is_not_connected(evolution: Any, context: Any) -> None:
    with pytest.raises(NotConnected):
        await (await provider_of(context, "ghost")).send_text(ANA, "hola")


async def test_instance_name_cannot_leave_its_place_in_the_path(evolution: Any, context: Any) -> None:
    with pytest.raises(NotConnected):
        await (await provider_of(context, "../laarepera?x=#")).send_text(ANA, "hola")

    assert evolution.requests[0][0] == "../laarepera?x=#"


async def test_number_without_whatsapp_is_an_invalid_recipient(evolution: Any, context: Any) -> None:
    evolution.not_on_whatsapp.add("584141234567")

    with pytest.raises(InvalidRecipient):
        await (await provider_of(context)).send_text(ANA, "hola")


async def test_wrong_key_is_the_operators_fault(evolution: Any, context: Any) -> None:
    context.secrets.values["evolution_api_key"] = "wrong"

    with pytest.raises(ProviderConfiguration):
        await (await provider_of(context)).send_text(ANA, "hola")


async def test_echoed_key_does_not_get_into_the_log(evolution: Any, context: Any, canned: Callable[..., Any]) -> None:
    evolution.canned.append(canned(status=500, raw=b"apikey: operator-key"))

    with pytest.raises(ProviderUnavailable) as raised:
        await (await provider_of(context)).send_text(ANA, "hola")

    assert "operator-key" not in f"{raised.value.message} {raised.value.response_body}"


async def test_connection_that_breaks_after_the_request_leaves_it_in_doubt(
    evolution: Any, context: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned.append(canned(drops=True))

    with pytest.raises(RequestLost):
        await (await provider_of(context)).send_text(ANA, "hola")


async def test_server_that_falls_silent_after_the_request_leaves_it_in_doubt(
    evolution: Any, context: Any, canned: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(5.0, read=0.05))
    evolution.canned.append(canned(hangs=True))

    with pytest.raises(RequestLost):
        await (await provider_of(context)).send_text(ANA, "hola")


async def test_redirect_is_not_followed(evolution: Any, context: Any, canned: Callable[..., Any]) -> None:
    evolution.canned.append(canned(status=307, headers={"Location": "/elsewhere"}))

    with pytest.raises(ProviderConfiguration):
        await (await provider_of(context)).send_text(ANA, "hola")

    assert len(evolution.requests) == 1


async def test_server_that_is_not_there_got_nothing(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient() as client:
        provider = EvolutionProvider(client, url=f"http://127.0.0.1:{unused_tcp_port}", key="k", instance="x")

        with pytest.raises(ProviderUnavailable):
            await provider.send_text(ANA, "hola")


@pytest.mark.parametrize("url", ["ftp://example.com", "not a url", "http://[::1"])
async def test_url_that_cannot_be_used_is_the_operators_fault(url: str) -> None:
    async with httpx.AsyncClient() as client:
        provider = EvolutionProvider(client, url=url, key="k", instance="x")

        with pytest.raises(ProviderConfiguration):
            await provider.send_text(ANA, "hola")


async def test_address_that_the_guard_refuses_is_the_operators_fault() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise AddressRefused("10.0.0.1 is not a public address")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        provider = EvolutionProvider(client, url="http://10.0.0.1", key="k", instance="x")

        with pytest.raises(ProviderConfiguration):
            await provider.send_text(ANA, "hola")


@pytest.mark.parametrize("missing", ["evolution_api_url", "evolution_api_key"])
async def test_evolution_needs_the_operators_address_and_key(missing: str, context: Any) -> None:
    context.secrets.values.update(evolution_api_url="http://x", evolution_api_key="k")
    del context.secrets.values[missing]

    with pytest.raises(ProviderConfiguration):
        await provider_of(context)


async def test_console_prints_the_text_but_no_phone_in_full(context: Any) -> None:
    receipt = await ConsoleProvider(context.log, new_id=lambda: UUID(int=5)).send_text(ANA, "hola")

    assert receipt.message_id == f"console-{UUID(int=5)}"
    assert context.log.lines == [("info", "whatsapp message printed", {"to": "+58********67", "text": "hola"})]

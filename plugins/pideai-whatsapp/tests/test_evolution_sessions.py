"""The life of a store's instance, against the stand-in: made with its webhook, linked by a fresh code, unlinked."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from aiohttp import web
from pideai_whatsapp.providers.base import (
    MessageRefused,
    NotConnected,
    ProviderConfiguration,
    ProviderTemplate,
    ProviderUnavailable,
    WebhookTarget,
)
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.providers.evolution_webhook import is_genuine, read_signals
from pideai_whatsapp.providers.signals import (
    Accepted,
    ConnectionChanged,
    ConnectionState,
    Inbound,
    Progress,
    QrChanged,
    QrLimit,
    Receipt,
)
from pideai_whatsapp.text.phones import Phone

from pideai_host.api import WebhookRequest

ANA = Phone("+584141234567")
HOOK = WebhookTarget(url="https://plugins.pideai.com/webhooks/plugins/whatsapp/s", secret="s3cret")


@pytest.fixture
async def provider(evolution: Any, context: Any) -> EvolutionProvider:
    evolution.states.clear()
    return EvolutionProvider(context.http, url=evolution.url, key=evolution.key, instance="laarepera")


class Receiver:
    """The host's end of the webhook."""

    def __init__(self) -> None:
        self.requests: list[WebhookRequest] = []
        self.answers: list[int] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.requests.append(WebhookRequest(method="POST", path=request.path, query="", headers=headers, body=body))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    @property
    def signals(self) -> list[Any]:
        return [signal for request in self.requests for signal in read_signals(request)]


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hook", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    receiver.url = f"http://{host}:{port}/hook"
    yield receiver
    await runner.cleanup()


def target(receiver: Receiver) -> WebhookTarget:
    return WebhookTarget(url=receiver.url, secret="s3cret")


async def test_an_instance_is_made_with_its_webhook_in_one_call(provider: EvolutionProvider, evolution: Any) -> None:
    link = await provider.link(webhook=HOOK)

    hook = evolution.instances["laarepera"].webhook
    assert [path for _, path in evolution.calls] == ["/instance/create"]
    assert (hook["url"], hook["headers"]) == (HOOK.url, {"x-pideai-secret": "s3cret"})
    assert {"CONNECTION_UPDATE", "QRCODE_UPDATED", "MESSAGES_UPDATE", "SEND_MESSAGE"} <= set(hook["events"])
    assert link.state is ConnectionState.CONNECTING
    assert link.qr is not None
    assert link.qr.code == "2@laarepera-1"
    assert str(link.qr.png_data_url).startswith("data:image/png;base64,iVBOR")


async def test_an_instance_that_brings_no_code_yet_is_linking(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.habits.is_qr_late = True

    link = await provider.link(webhook=HOOK)

    assert (link.state, link.qr, link.doubtful_code) == (ConnectionState.CONNECTING, None, None)


async def test_a_number_brings_a_pairing_code(provider: EvolutionProvider) -> None:
    link = await provider.link(webhook=HOOK, number="584141234567")

    assert link.qr is not None
    assert link.qr.pairing_code == "PAIR0001"


async def test_a_name_in_use_is_taken_over_with_a_webhook_of_ours(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.states["laarepera"] = "open"

    link = await provider.link(webhook=HOOK)

    assert link.state is ConnectionState.OPEN
    assert evolution.instances["laarepera"].webhook["url"] == HOOK.url


async def test_linking_twice_is_linking_once(provider: EvolutionProvider, evolution: Any) -> None:
    await provider.link(webhook=HOOK)
    await provider.link(webhook=HOOK, previous="2@laarepera-0")

    assert list(evolution.states) == ["laarepera"]


async def test_a_code_of_the_session_before_is_never_shown(provider: EvolutionProvider, evolution: Any) -> None:
    first = await provider.link(webhook=HOOK)
    assert first.qr is not None
    evolution.scan("laarepera", "584141234567")
    await provider.log_out()
    evolution.habits.is_qr_late = True

    stale = await provider.connect(previous=first.qr.code)
    evolution.bring_code("laarepera")
    fresh = await provider.connect(previous=first.qr.code)

    assert (stale.qr, stale.doubtful_code) == (None, first.qr.code)
    assert fresh.qr is not None
    assert fresh.qr.code == "2@laarepera-2"


async def test_a_code_is_doubtful_while_the_one_before_is_unknown(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.states["laarepera"] = "close"

    first = await provider.link(webhook=HOOK)
    evolution.bring_code("laarepera")
    second = await provider.connect(previous=first.doubtful_code)

    assert (first.qr, first.doubtful_code) == (None, "2@laarepera-1")
    assert second.qr is not None
    assert second.qr.code == "2@laarepera-2"


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("open", ConnectionState.OPEN),
        ("connecting", ConnectionState.CONNECTING),
        ("close", ConnectionState.CLOSE),
        ("never", ConnectionState.CLOSE),
    ],
)
async def test_state_is_the_servers(
    words: str, state: ConnectionState, provider: EvolutionProvider, evolution: Any
) -> None:
    evolution.states["laarepera"] = words

    assert await provider.state() is state


async def test_an_instance_that_is_not_there_has_no_state(provider: EvolutionProvider) -> None:
    assert await provider.state() is None


async def test_an_instance_that_is_just_disappearing_has_no_state(
    provider: EvolutionProvider, evolution: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned_calls["instance/connectionState"].append(canned(body={"instance": {"instanceName": "x"}}))

    assert await provider.state() is None


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"<html>", b"5"])
async def test_a_state_that_is_none_is_a_problem_of_the_server(
    raw: bytes, provider: EvolutionProvider, evolution: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned_calls["instance/connectionState"].append(canned(raw=raw))

    with pytest.raises(ProviderUnavailable):
        await provider.state()


async def test_restart_of_an_unlinked_phone_fails_though_the_server_answers_200(
    provider: EvolutionProvider, evolution: Any
) -> None:
    evolution.states["laarepera"] = "close"

    with pytest.raises(NotConnected):
        await provider.restart()


@pytest.mark.parametrize("state", [ConnectionState.OPEN, ConnectionState.CONNECTING])
async def test_restart_of_a_session_answers_its_state(
    state: ConnectionState, provider: EvolutionProvider, evolution: Any
) -> None:
    evolution.states["laarepera"] = state.value

    assert (await provider.restart()).state is state


async def test_connect_that_fails_with_200_is_a_failure(
    provider: EvolutionProvider, evolution: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned_calls["instance/connect"].append(canned(body={"error": True, "message": "[object Object]"}))

    with pytest.raises(ProviderUnavailable):
        await provider.connect()


@pytest.mark.parametrize("state", ["open", "close", "never", None])
async def test_logging_out_is_done_whatever_the_state(
    state: str | None, provider: EvolutionProvider, evolution: Any
) -> None:
    if state is not None:
        evolution.states["laarepera"] = state

    await provider.log_out()

    assert evolution.states.get("laarepera", "gone") in ("close", "never", "gone")


async def test_logging_out_over_a_dead_socket_says_so_and_deleting_helps(
    provider: EvolutionProvider, evolution: Any
) -> None:
    evolution.states["laarepera"] = "open"
    evolution.dead.add("laarepera")

    with pytest.raises(NotConnected):
        await provider.log_out()
    await provider.delete()

    assert await provider.state() is None


async def test_deleting_twice_is_deleting_once(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.states["laarepera"] = "close"

    await provider.delete()
    await provider.delete()

    assert evolution.states == {}


async def test_a_webhook_of_an_instance_that_just_went_is_tried_again_later(provider: EvolutionProvider) -> None:
    with pytest.raises(ProviderUnavailable):
        await provider.set_webhook(HOOK)


async def test_a_wrong_key_shows_at_once_even_where_the_name_is_in_use(evolution: Any, context: Any) -> None:
    provider = EvolutionProvider(context.http, url=evolution.url, key="wrong", instance="laarepera")

    with pytest.raises(ProviderConfiguration):
        await provider.link(webhook=HOOK)


async def test_a_server_that_echoes_the_webhook_secret_or_the_key_does_not_get_it_into_an_error(
    provider: EvolutionProvider, evolution: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned_calls["instance/create"].append(canned(status=500, raw=b"operator-key s3cret"))

    with pytest.raises(ProviderUnavailable) as raised:
        await provider.link(webhook=HOOK)

    assert "operator-key" not in f"{raised.value.message} {raised.value.response_body}"
    assert "s3cret" not in f"{raised.value.message} {raised.value.response_body} {HOOK!r}"


async def test_a_server_that_is_slow_to_make_an_instance_is_asked_again_without_harm(
    provider: EvolutionProvider, evolution: Any, canned: Callable[..., Any]
) -> None:
    evolution.canned_calls["instance/create"].append(canned(drops=True))

    with pytest.raises(ProviderUnavailable):
        await provider.link(webhook=HOOK)
    link = await provider.link(webhook=HOOK)

    assert link.qr is not None


async def test_a_picture_goes_by_its_address_with_its_caption(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.states["laarepera"] = "open"

    await provider.send_image(ANA, url="https://cdn.pideai.com/arepa.jpg", caption="Hoy 2x1")

    (sent,) = evolution.sent
    assert (sent.media, sent.text) == ("https://cdn.pideai.com/arepa.jpg", "Hoy 2x1")
    assert json.loads(evolution.requests[0][1])["mediatype"] == "image"


async def test_a_picture_inside_the_operators_network_never_leaves(provider: EvolutionProvider, evolution: Any) -> None:
    with pytest.raises(MessageRefused):
        await provider.send_image(ANA, url="https://169.254.169.254/a.png", caption="")

    assert evolution.requests == []


async def test_a_picture_before_any_session_is_not_connected(provider: EvolutionProvider, evolution: Any) -> None:
    evolution.states["laarepera"] = "never"

    with pytest.raises(NotConnected):
        await provider.send_image(ANA, url="https://cdn.pideai.com/arepa.jpg", caption="")


async def test_templates_and_look_ups_are_not_evolutions(provider: EvolutionProvider) -> None:
    with pytest.raises(MessageRefused):
        await provider.send_template(ANA, ProviderTemplate(name="HX1"))

    assert await provider.look_up("3EB0AA") is None


async def test_reports_of_a_whole_life_are_genuine_and_read(
    provider: EvolutionProvider, evolution: Any, receiver: Receiver
) -> None:
    evolution.habits.receipts = ("SERVER_ACK", "DELIVERY_ACK", "READ")
    evolution.habits.echoes_sends = True
    await provider.link(webhook=target(receiver))
    evolution.scan("laarepera", "584140000000")
    receipt = await provider.send_text(ANA, "hola")
    evolution.write("laarepera", "584141234567", "BAJA")
    evolution.unlink("laarepera")
    await evolution.poster.settled()

    signals = receiver.signals
    assert all(is_genuine(request, "s3cret") for request in receiver.requests)
    assert [s.progress for s in signals if isinstance(s, Receipt) and s.provider_message_id == receipt.message_id] == [
        Progress.SENT,
        Progress.DELIVERED,
        Progress.READ,
    ]
    assert [s.provider_message_id for s in signals if isinstance(s, Accepted)] == [receipt.message_id]
    assert [(s.phone, s.text) for s in signals if isinstance(s, Inbound)] == [(ANA, "BAJA")]
    assert {s.qr.code for s in signals if isinstance(s, QrChanged)} == {"2@laarepera-1"}
    assert {s.reason_code for s in signals if isinstance(s, ConnectionChanged)} == {None, 401}


async def test_codes_that_nobody_scans_end_at_the_limit(
    provider: EvolutionProvider, evolution: Any, receiver: Receiver
) -> None:
    evolution.habits.qr_limit = 2
    await provider.link(webhook=target(receiver))
    evolution.bring_code("laarepera")
    evolution.bring_code("laarepera")
    await evolution.poster.settled()

    assert QrLimit() in receiver.signals
    assert await provider.state() is ConnectionState.CLOSE


async def test_a_receiver_that_cannot_store_gets_the_report_again(
    provider: EvolutionProvider, evolution: Any, receiver: Receiver
) -> None:
    receiver.answers = [503, 503]
    await provider.link(webhook=target(receiver))
    await evolution.poster.settled()

    bodies = [request.body for request in receiver.requests]
    assert len(bodies) == len(set(bodies)) + 2


async def test_a_lost_connection_to_the_server_is_no_state(unused_tcp_port: int) -> None:
    async with httpx.AsyncClient() as client:
        provider = EvolutionProvider(client, url=f"http://127.0.0.1:{unused_tcp_port}", key="k", instance="x")

        with pytest.raises(ProviderUnavailable):
            await provider.state()

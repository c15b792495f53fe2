"""What every provider promises, asked of each over a real socket: one message once, or one of six problems."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pideai_whatsapp.providers import calls, evolution_replies, meta_replies, twilio_replies
from pideai_whatsapp.providers.base import (
    InvalidRecipient,
    MessageRefused,
    ProviderConfiguration,
    ProviderProblem,
    ProviderTemplate,
    ProviderUnavailable,
    RequestLost,
    SendReceipt,
)
from pideai_whatsapp.providers.calls import Answer
from pideai_whatsapp.providers.console import ConsoleProvider
from pideai_whatsapp.providers.signals import Progress

from pideai_host.api import AddressRefused
from whatsapp_fakes.rigs import ANA, HOOK, Rig, evolution_rig, meta_rig, twilio_rig
from whatsapp_fakes.server import Canned

PICTURE = "https://cdn.pideai.com/arepa.jpg"


@pytest.fixture(params=[evolution_rig, twilio_rig, meta_rig], ids=["evolution", "twilio", "meta"])
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    async with httpx.AsyncClient() as client:
        rig = request.param(client)
        async with rig.fake:
            yield rig


async def problem_of(sending: Any) -> ProviderProblem:
    with pytest.raises(ProviderProblem) as raised:
        await sending
    return raised.value


async def test_a_text_is_taken_once_under_the_providers_own_id(rig: Rig) -> None:
    receipt = await rig.provider.send_text(ANA, "hola ñ 👋\n2 x Arepa", reference="m-1")

    assert isinstance(receipt, SendReceipt)
    assert receipt.message_id
    assert receipt.response_code in (200, 201)
    assert len(rig.fake.sent) == 1
    assert "584141234567" in rig.fake.requests[0][1]


async def test_two_messages_have_two_ids(rig: Rig) -> None:
    first, second = [await rig.provider.send_text(ANA, "hola") for _ in range(2)]

    assert first.message_id != second.message_id


async def test_a_picture_is_taken_by_its_public_address(rig: Rig) -> None:
    await rig.provider.send_image(ANA, url=PICTURE, caption="Hoy 2x1", reference="m-1")

    assert PICTURE in rig.fake.requests[0][1]
    assert "Hoy 2x1" in rig.fake.requests[0][1]


async def test_a_picture_of_the_operators_network_never_leaves(rig: Rig) -> None:
    problem = await problem_of(rig.provider.send_image(ANA, url="https://10.0.0.1/a.png", caption=""))

    assert type(problem) is MessageRefused
    assert rig.fake.requests == []


async def test_a_template_is_taken_or_refused(rig: Rig) -> None:
    template = ProviderTemplate(name="HX" + "0" * 32, language="es", variables={"2": "8", "1": "Ana"})
    if rig.name == "evolution":
        assert type(await problem_of(rig.provider.send_template(ANA, template))) is MessageRefused
    else:
        assert (await rig.provider.send_template(ANA, template, reference="m-1")).message_id


async def test_the_console_takes_all_of_it_each_under_an_id_of_its_own(context: Any) -> None:
    console = ConsoleProvider(context.log)
    template = ProviderTemplate(name="pedido_listo", language="es", variables={"1": "Ana"})
    receipts = [
        await console.send_text(ANA, "hola", reference="m-1"),
        await console.send_text(ANA, "hola", reference="m-1"),
        await console.send_image(ANA, url=PICTURE, caption="Hoy 2x1", reference="m-2"),
        await console.send_template(ANA, template, reference="m-3"),
    ]

    assert len({one.message_id for one in receipts}) == 4
    assert await console.look_up(receipts[0].message_id) is None


async def test_a_recipient_without_whatsapp_is_for_good(rig: Rig) -> None:
    rig.forget()

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is InvalidRecipient


async def test_a_key_that_is_not_taken_is_a_matter_of_configuration(rig: Rig) -> None:
    rig.lock_out()

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is ProviderConfiguration


async def test_a_rate_limit_is_tried_later(rig: Rig) -> None:
    rig.fake.canned.append(rig.errors["rate limit"])

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is ProviderUnavailable


async def test_a_message_that_the_provider_never_takes_is_for_good(rig: Rig) -> None:
    rig.fake.canned.append(rig.errors["refused"])

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is MessageRefused


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_that_fails_is_tried_again(rig: Rig, status: int) -> None:
    rig.fake.canned.append(Canned(status=status, raw=b"<html>oops</html>"))

    problem = await problem_of(rig.provider.send_text(ANA, "hola"))

    assert (type(problem), problem.response_code) == (ProviderUnavailable, status)


async def test_a_gateway_that_gave_up_leaves_the_message_in_doubt(rig: Rig) -> None:
    rig.fake.canned.append(Canned(status=504, raw=b"<html>gateway time-out</html>"))

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is RequestLost


async def test_silence_after_the_request_left_leaves_it_in_doubt(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(5.0, read=0.05))
    rig.fake.canned.append(Canned(hangs=True))

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is RequestLost


async def test_a_connection_that_breaks_after_the_request_left_leaves_it_in_doubt(rig: Rig) -> None:
    rig.fake.canned.append(Canned(drops=True))

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is RequestLost


async def test_an_answer_that_is_lost_on_its_way_leaves_a_message_that_was_taken_in_doubt(rig: Rig) -> None:
    rig.fake.loses = 1

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is RequestLost
    assert len(rig.fake.sent) == 1


async def test_a_server_that_is_not_there_got_nothing(rig: Rig, unused_tcp_port: int) -> None:
    provider = rig.on(rig.client, f"http://127.0.0.1:{unused_tcp_port}")

    assert type(await problem_of(provider.send_text(ANA, "hola"))) is ProviderUnavailable


@pytest.mark.parametrize("url", ["ftp://example.com", "not a url", "http://[::1"])
async def test_an_address_that_cannot_be_used_is_a_matter_of_configuration(rig: Rig, url: str) -> None:
    assert type(await problem_of(rig.on(rig.client, url).send_text(ANA, "hola"))) is ProviderConfiguration


async def test_an_address_that_the_host_guards_is_a_matter_of_configuration(rig: Rig) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise AddressRefused("10.0.0.1 is not a public address")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        problem = await problem_of(rig.on(client, "http://10.0.0.1").send_text(ANA, "hola"))

    assert type(problem) is ProviderConfiguration


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"null", b"5", b"<html>captive portal</html>", b"[" * 60_000])
async def test_a_success_without_an_id_leaves_the_message_in_doubt(rig: Rig, raw: bytes) -> None:
    rig.fake.canned.append(Canned(status=200, raw=raw))

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is RequestLost


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(rig: Rig, status: int) -> None:
    rig.fake.canned.append(Canned(status=status, headers={"Location": "/elsewhere"}))

    assert type(await problem_of(rig.provider.send_text(ANA, "hola"))) is ProviderConfiguration
    assert len(rig.fake.requests) == 1


@pytest.mark.parametrize("status", [200, 400, 401, 500])
async def test_no_secret_comes_back_in_a_problem(rig: Rig, status: int) -> None:
    authorization = (await _seen(rig)).get("authorization", "")
    echoed = f"key {rig.secret} auth {authorization}".encode()
    rig.fake.canned.append(Canned(status=status, raw=echoed))

    problem = await problem_of(rig.provider.send_text(ANA, "hola"))

    shown = f"{problem.message} {problem.response_body} {problem!r} {rig.provider!r}"
    for secret in (rig.secret, authorization.removeprefix("Basic ").removeprefix("Bearer ")):
        assert not secret or secret not in shown


async def _seen(rig: Rig) -> httpx.Headers:
    """Return the headers of a send."""
    seen: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(500)

    async with httpx.AsyncClient(transport=httpx.MockTransport(take)) as client:
        await problem_of(rig.on(client, "http://provider.test").send_text(ANA, "hola"))
    return seen[0].headers


async def test_each_send_has_a_connection_of_its_own(rig: Rig) -> None:
    assert (await _seen(rig))["connection"] == "close"


async def test_a_look_up_of_what_is_not_known_is_none(rig: Rig) -> None:
    assert await rig.provider.look_up("nobody/knows?#") is None


async def test_twilio_tells_how_far_a_message_is() -> None:
    async with httpx.AsyncClient() as client:
        rig = twilio_rig(client)
        async with rig.fake:
            receipt = await rig.provider.send_text(ANA, "hola", reference="m-1")
            assert await rig.provider.look_up(receipt.message_id) is Progress.ACCEPTED

            rig.fake.progress(receipt.message_id, "undelivered", 63016)

            assert await rig.provider.look_up(receipt.message_id) is Progress.FAILED
            assert rig.fake.sent[0].form["StatusCallback"] == f"{HOOK}?reference=m-1"


@pytest.mark.parametrize(
    "receipt_of", [evolution_replies.receipt_of, twilio_replies.receipt_of, meta_replies.receipt_of]
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "key", "id", "sid", "messages", "response", "error_data"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    ).map(lambda value: httpx.Response(200, json=value).content),
)
def test_any_answer_is_a_receipt_or_one_problem(receipt_of: Any, status: int, body: bytes) -> None:
    is_receipt, problem = True, None
    try:
        assert receipt_of(Answer(status=status, body=body)).message_id.isprintable()
    except ProviderProblem as raised:
        is_receipt, problem = False, raised

    assert is_receipt <= (200 <= status < 300)
    assert problem is None or 0 < len(problem.message) < 500
    assert problem is None or problem.message.isprintable()

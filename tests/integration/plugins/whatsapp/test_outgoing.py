"""Every provider over the host's own HTTP client: what left and what did not is told apart there as well."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from pideai_whatsapp.providers import calls
from pideai_whatsapp.providers.base import (
    ProviderConfiguration,
    ProviderProblem,
    ProviderUnavailable,
    RequestLost,
    WebhookTarget,
)
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.providers.meta import MetaNumber, MetaProvider
from pideai_whatsapp.providers.signals import ConnectionState, Progress
from pideai_whatsapp.providers.twilio import TwilioAccount, TwilioProvider
from pideai_whatsapp.text.phones import Phone

from pideai_host.outgoing.client import make_client
from whatsapp_fakes import meta as fake_meta
from whatsapp_fakes import twilio as fake_twilio
from whatsapp_fakes.evolution import FakeEvolution
from whatsapp_fakes.meta import FakeMeta
from whatsapp_fakes.server import Canned
from whatsapp_fakes.twilio import FakeTwilio

ANA = Phone("+584141234567")
LOOPBACK = ip_network("127.0.0.0/8")


def evolution(http, url):
    return EvolutionProvider(http, url=url, key="operator-key", instance="laarepera")


def twilio(http, url):
    account = TwilioAccount(
        account_sid=fake_twilio.ACCOUNT,
        user=fake_twilio.ACCOUNT,
        password=fake_twilio.TOKEN,
        sender=fake_twilio.SENDER,
    )
    return TwilioProvider(http, account=account, base_url=url)


def meta(http, url):
    number = MetaNumber(phone_number_id=fake_meta.NUMBER_ID, access_token=fake_meta.TOKEN, api_version="v23.0")
    return MetaProvider(http, number=number, base_url=url)


@dataclass
class Way:
    http: Any
    fake: Any
    make: Callable[[Any, str], Any]

    @property
    def provider(self):
        return self.make(self.http, self.fake.url)


@pytest.fixture(
    params=[(FakeEvolution, evolution), (FakeTwilio, twilio), (FakeMeta, meta)], ids=lambda one: one[1].__name__
)
async def way(request):
    fake_class, make = request.param
    http = make_client(allow=(LOOPBACK,))
    async with fake_class() as fake:
        if fake_class is FakeEvolution:
            fake.states["laarepera"] = "open"
        yield Way(http, fake, make)
    await http.aclose()


async def problem_of(sending):
    with pytest.raises(ProviderProblem) as raised:
        await sending
    return type(raised.value)


async def test_a_text_and_a_picture_arrive(way):
    await way.provider.send_text(ANA, "hola ñ 👋", reference="m-1")
    await way.provider.send_image(ANA, url="https://cdn.pideai.com/arepa.jpg", caption="Hoy 2x1")

    assert len(way.fake.sent) == 2


async def test_a_connection_that_breaks_after_the_request_left_leaves_it_in_doubt(way):
    way.fake.canned.append(Canned(drops=True))

    assert await problem_of(way.provider.send_text(ANA, "hola")) is RequestLost


async def test_silence_after_the_request_left_leaves_it_in_doubt(way, monkeypatch):
    monkeypatch.setattr(calls, "TIMEOUT", httpx.Timeout(5.0, read=0.05))
    way.fake.canned.append(Canned(hangs=True))

    assert await problem_of(way.provider.send_text(ANA, "hola")) is RequestLost


async def test_an_answer_beyond_all_bounds_leaves_it_in_doubt(way):
    way.fake.canned.append(Canned(status=200, raw=b" " * 2_000_000))

    assert await problem_of(way.provider.send_text(ANA, "hola")) is RequestLost


async def test_a_server_that_is_not_there_got_nothing(way, unused_tcp_port):
    provider = way.make(way.http, f"http://127.0.0.1:{unused_tcp_port}")

    assert await problem_of(provider.send_text(ANA, "hola")) is ProviderUnavailable


@pytest.mark.parametrize("url", ["ftp://example.com", "not a url", "http://[::1", "http://"])
async def test_an_address_that_cannot_be_used_is_a_matter_of_configuration(way, url):
    assert await problem_of(way.make(way.http, url).send_text(ANA, "hola")) is ProviderConfiguration


async def test_an_address_that_the_host_guards_is_a_matter_of_configuration(way):
    http = make_client()

    assert await problem_of(way.make(http, way.fake.url).send_text(ANA, "hola")) is ProviderConfiguration
    assert way.fake.requests == []
    await http.aclose()


async def test_a_redirect_is_not_followed(way):
    way.fake.canned.append(Canned(status=307, headers={"Location": "/elsewhere"}))

    assert await problem_of(way.provider.send_text(ANA, "hola")) is ProviderConfiguration
    assert len(way.fake.requests) == 1


async def test_an_instances_whole_life_passes():
    http = make_client(allow=(LOOPBACK,))
    async with FakeEvolution() as fake:
        provider = evolution(http, fake.url)
        hook = WebhookTarget(url="https://plugins.pideai.com/x", secret="s3cret")

        link = await provider.link(webhook=hook, number="584141234567")
        assert link.qr is not None
        assert (await provider.link(webhook=hook, previous=link.qr.code)).qr is None
        fake.scan("laarepera", "584141234567")
        assert await provider.state() is ConnectionState.OPEN
        assert (await provider.restart()).state is ConnectionState.OPEN
        await provider.log_out()
        assert await provider.state() is ConnectionState.CLOSE
        await provider.delete()
        assert await provider.state() is None
    await http.aclose()


async def test_a_look_up_at_twilio_passes():
    http = make_client(allow=(LOOPBACK,))
    async with FakeTwilio() as fake:
        provider = twilio(http, fake.url)
        receipt = await provider.send_text(ANA, "hola")
        fake.progress(receipt.message_id, "read")

        assert await provider.look_up(receipt.message_id) is Progress.READ
    await http.aclose()

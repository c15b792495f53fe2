"""Each provider with its stand-in, for tests of what all of them promise."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from pideai_whatsapp.providers.evolution import EvolutionProvider
from pideai_whatsapp.providers.meta import MetaNumber, MetaProvider
from pideai_whatsapp.providers.twilio import TwilioAccount, TwilioProvider
from pideai_whatsapp.text.phones import Phone

from whatsapp_fakes import meta as fake_meta
from whatsapp_fakes import twilio as fake_twilio
from whatsapp_fakes.evolution import FakeEvolution
from whatsapp_fakes.meta import FakeMeta
from whatsapp_fakes.server import Canned
from whatsapp_fakes.twilio import FakeTwilio

ANA = Phone("+584141234567")
HOOK = "https://plugins.pideai.com/webhooks/plugins/whatsapp/s"
EVOLUTION_KEY = "operator key/1+="


@dataclass
class Rig:
    """One provider with its stand-in.

    Attributes:
        make: Makes the provider on a client, at an address.
        secret: What must never show.
        forget: Makes the stand-in know no such recipient.
        errors: The provider's own bodies for a rate limit and for a refusal of the message.
    """

    name: str
    fake: Any
    secret: str
    make: Callable[[httpx.AsyncClient, str], Any]
    client: httpx.AsyncClient
    forget: Callable[[], None]
    lock_out: Callable[[], None]
    errors: dict[str, Canned] = field(default_factory=dict)

    @property
    def provider(self) -> Any:
        return self.make(self.client, self.fake.url)

    def on(self, client: httpx.AsyncClient, url: str) -> Any:
        return self.make(client, url)


def evolution_rig(client: httpx.AsyncClient) -> Rig:
    fake = FakeEvolution(EVOLUTION_KEY)
    fake.states["laarepera"] = "open"

    def make(http: httpx.AsyncClient, url: str) -> EvolutionProvider:
        return EvolutionProvider(http, url=url, key=EVOLUTION_KEY, instance="laarepera")

    return Rig(
        name="evolution",
        fake=fake,
        secret=EVOLUTION_KEY,
        make=make,
        client=client,
        forget=lambda: fake.not_on_whatsapp.add("584141234567"),
        lock_out=lambda: setattr(fake, "key", "changed"),
        errors={
            "rate limit": Canned(status=429, body={"status": 429, "error": "Too Many Requests"}),
            "refused": Canned(status=400, body={"status": 400, "response": {"message": ["Text is required"]}}),
        },
    )


def twilio_rig(client: httpx.AsyncClient) -> Rig:
    fake = FakeTwilio()
    account = TwilioAccount(
        account_sid=fake_twilio.ACCOUNT,
        user=fake_twilio.ACCOUNT,
        password=fake_twilio.TOKEN,
        sender=fake_twilio.SENDER,
    )

    def make(http: httpx.AsyncClient, url: str) -> TwilioProvider:
        return TwilioProvider(http, account=account, callback_url=HOOK, base_url=url)

    return Rig(
        name="twilio",
        fake=fake,
        secret=fake_twilio.TOKEN,
        make=make,
        client=client,
        forget=lambda: fake.habits.unreachable.add(ANA),
        lock_out=fake.habits.keys.clear,
        errors={
            "rate limit": Canned(status=429, body={"code": 20429, "message": "Too Many Requests", "status": 429}),
            "refused": Canned(status=400, body={"code": 21610, "message": "unsubscribed", "status": 400}),
        },
    )


def meta_rig(client: httpx.AsyncClient) -> Rig:
    fake = FakeMeta()
    number = MetaNumber(phone_number_id=fake_meta.NUMBER_ID, access_token=fake_meta.TOKEN, api_version="v23.0")

    def make(http: httpx.AsyncClient, url: str) -> MetaProvider:
        return MetaProvider(http, number=number, base_url=url)

    return Rig(
        name="meta",
        fake=fake,
        secret=fake_meta.TOKEN,
        make=make,
        client=client,
        forget=lambda: fake.unreachable.add("584141234567"),
        lock_out=fake.tokens.clear,
        errors={
            "rate limit": Canned(status=400, body={"error": {"code": 130429, "message": "(#130429) Rate limit hit"}}),
            "refused": Canned(status=400, body={"error": {"code": 131047, "message": "Re-engagement message"}}),
        },
    )

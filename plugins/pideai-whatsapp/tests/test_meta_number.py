"""Whose a number of Meta's is: what Meta shows to its token proves it, and nothing else does."""

import httpx
import pytest
from pideai_whatsapp.providers.base import ProviderUnavailable
from pideai_whatsapp.providers.meta import MetaNumber, MetaProvider

from whatsapp_fakes import meta as fake_meta
from whatsapp_fakes.meta import FakeMeta
from whatsapp_fakes.server import Canned


@pytest.mark.parametrize(
    ("number", "token", "is_own"),
    [
        pytest.param(fake_meta.NUMBER_ID, fake_meta.TOKEN, True, id="its token"),
        pytest.param(fake_meta.NUMBER_ID, "another-good-token", False, id="the token of another number"),
        pytest.param(fake_meta.NUMBER_ID, "no-token", False, id="no token at all"),
        pytest.param("555000111", fake_meta.TOKEN, False, id="a number that is not there"),
    ],
)
async def test_meta_shows_a_number_to_its_token_alone(number: str, token: str, is_own: bool) -> None:
    async with FakeMeta() as fake, httpx.AsyncClient() as client:
        fake.tokens["555000222"] = "another-good-token"
        owner = MetaNumber(phone_number_id=number, access_token=token, api_version="v23.0")

        assert await MetaProvider(client, number=owner, base_url=fake.url).has_number() is is_own


@pytest.mark.parametrize(
    ("answer", "is_own"),
    [
        pytest.param(Canned(status=200, body={"id": "1", "display_phone_number": "+1 555"}), False, id="another id"),
        pytest.param(Canned(status=200, body={"id": fake_meta.NUMBER_ID}), False, id="a thing that is no number"),
        pytest.param(Canned(status=200, body={"error": {"code": 190}}), False, id="an error that looks well"),
        pytest.param(Canned(status=400, body={"error": {"code": 130429}}), None, id="too many questions"),
        pytest.param(Canned(status=504, body={}), None, id="a gateway"),
    ],
)
async def test_what_meta_does_not_say_of_a_number_proves_nothing(answer: Canned, is_own: bool | None) -> None:
    async with FakeMeta() as fake, httpx.AsyncClient() as client:
        fake.canned.append(answer)
        owner = MetaNumber(phone_number_id=fake_meta.NUMBER_ID, access_token=fake_meta.TOKEN, api_version="v23.0")
        provider = MetaProvider(client, number=owner, base_url=fake.url)

        if is_own is None:
            with pytest.raises(ProviderUnavailable):
                await provider.has_number()
        else:
            assert await provider.has_number() is is_own

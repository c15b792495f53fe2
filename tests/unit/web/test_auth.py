"""A token is good only if every single thing about it is."""

import asyncio
import base64
import json
import time
from uuid import UUID, uuid4

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.auth import (
    LEEWAY_S,
    OwnerNeeded,
    TokenExpired,
    TokenInvalid,
    Unauthenticated,
    Verifier,
    bearer_token,
)
from pideai_host.web.jwks import JwksCache

ISSUER = "https://project.test/auth/v1"
USER = UUID("0b0f1f9e-5c1e-4a57-9d6a-1d2b3c4d5e6f")


@pytest.fixture(scope="module")
def signer() -> TokenSigner:
    return TokenSigner(ISSUER)


class AuthServer:
    """Serves the keys and counts how often."""

    def __init__(self, signer: TokenSigner) -> None:
        self.signer = signer
        self.requests = 0
        self.is_away = False

    def __call__(self, _: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(503) if self.is_away else httpx.Response(200, json=self.signer.jwks())


@pytest.fixture
def server(signer) -> AuthServer:
    return AuthServer(signer)


@pytest.fixture
async def verifier(server):
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        yield Verifier(JwksCache(http, "http://auth.test/jwks.json", monotonic=lambda: 0.0), issuer=ISSUER)


async def test_a_good_token_names_its_user(verifier, signer):
    assert (await verifier.verify(signer.token(USER))).id == USER


async def test_the_claims_go_to_the_database_as_json(verifier, signer):
    user = await verifier.verify(signer.token(USER, app_metadata={"name": "Peña"}))

    claims = msgspec.json.decode(user.claims)

    assert (claims["sub"], claims["app_metadata"]) == (str(USER), {"name": "Peña"})


async def test_a_user_shows_no_claims_in_its_repr(verifier, signer):
    assert repr(await verifier.verify(signer.token(USER, email="ana@example.test"))) == f"User({USER})"


async def test_rs256_tokens_are_good_too(signer):
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    jwks = {"keys": [{**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "r"}]}
    token = jwt.encode(signer.claims(USER), key, algorithm="RS256", headers={"kid": "r"})
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=jwks))
    async with httpx.AsyncClient(transport=transport) as http:
        verifier = Verifier(JwksCache(http, "http://auth.test/jwks.json"), issuer=ISSUER)

        assert (await verifier.verify(token)).id == USER


@pytest.mark.parametrize("audience", [["other", "authenticated"], "authenticated"], ids=["list", "text"])
async def test_the_audience_may_be_one_of_several(verifier, signer, audience):
    assert await verifier.verify(signer.token(USER, aud=audience))


async def test_clocks_may_differ_a_little(verifier, signer):
    ahead = int(time.time() + LEEWAY_S / 2)

    assert await verifier.verify(signer.token(USER, iat=ahead, nbf=ahead))


@pytest.mark.parametrize("claim", ["exp", "iat", "sub", "aud", "iss", "role"])
async def test_a_token_without_a_required_claim_is_refused(verifier, signer, claim):
    with pytest.raises(TokenInvalid):
        await verifier.verify(signer.token(USER, **{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.test/auth/v1"},
        {"iss": ISSUER + "/"},
        {"aud": "anon"},
        {"aud": ["anon", "other"]},
        {"aud": {"authenticated": True}},
        {"role": "service_role"},
        {"role": "anon"},
        {"role": ["authenticated"]},
        {"sub": "42"},
        {"sub": 42},
        {"sub": ""},
        {"sub": f"urn:uuid:{USER}"},
        {"exp": "soon"},
        {"exp": 1e400},
        {"iat": "then"},
        {"iat": int(time.time()) + 3_600},
        {"nbf": int(time.time()) + 3_600},
        {"user_metadata": {"name": "a\x00b"}},
        {"user_metadata": {"name": "\ud800"}},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_a_token_with_a_wrong_claim_is_refused(verifier, signer, claims):
    with pytest.raises(TokenInvalid):
        await verifier.verify(signer.token(USER, **claims))


async def test_an_expired_token_is_told_apart(verifier, signer):
    with pytest.raises(TokenExpired):
        await verifier.verify(signer.token(USER, exp=int(time.time()) - 60))


@pytest.mark.parametrize(
    "claims",
    [{"is_anonymous": True}, {"is_anonymous": "no"}, {"client_id": str(uuid4())}],
    ids=["anonymous", "anonymous_as_text", "client_of_another_company"],
)
async def test_who_is_no_owner_is_told_so(verifier, signer, claims):
    with pytest.raises(OwnerNeeded):
        await verifier.verify(signer.token(USER, **claims))


async def test_a_token_may_leave_out_whether_it_is_anonymous(verifier, signer):
    assert await verifier.verify(signer.token(USER, is_anonymous=None))


def naming(kid: str, good: str) -> str:
    """Let a good token name another key in its header: nobody has to sign that to send it."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "ES256", "typ": "JWT", "kid": kid}).encode())
    return f"{header.decode().rstrip('=')}.{good.partition('.')[2]}"


@pytest.mark.parametrize("is_away", [False, True], ids=["the server answers", "the server is away"])
async def test_ten_thousand_tokens_with_random_kids_cause_one_refetch_and_hurt_no_good_token(
    verifier, signer, server, is_away
):
    good = signer.token(USER)
    await verifier.verify(good)
    server.is_away = is_away

    for start in range(0, 10_000, 500):
        attack = [verifier.verify(naming(f"bogus-{number}", good)) for number in range(start, start + 500)]
        refused = await asyncio.gather(*attack, return_exceptions=True)

        assert {type(one) for one in refused} == {TokenInvalid}
        assert (await verifier.verify(good)).id == USER
    assert server.requests == 2


@pytest.mark.parametrize(
    "headers",
    [[], [(b"authorization", b"")], [(b"authorization", b"Bearer ")], [(b"authorization", b"Basic YTpi")],
     [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer a")], [(b"apikey", b"a")]],
    ids=["none", "empty", "no-token", "basic", "two", "apikey"],
)  # fmt: skip
def test_one_bearer_token_is_needed(headers):
    with pytest.raises(Unauthenticated):
        bearer_token({"headers": headers})


def test_the_scheme_is_taken_in_any_case():
    assert bearer_token({"headers": [(b"authorization", b"bearer abc")]}) == "abc"

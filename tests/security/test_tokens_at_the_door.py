"""Forged, stale and foreign tokens against every operation that needs an owner: none gets in, none costs a lookup."""

import base64
import hashlib
import hmac
import json
import time
from uuid import UUID, uuid4

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import AsyncTestClient

from pideai_host.api import StoreUnknown
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.auth import TOKEN_MAX_BYTES, User, Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.problems import to_response
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.state import STATE_KEY, HostState

ISSUER = "https://project.test/auth/v1"
OWNER = UUID("33333333-3333-4333-8333-333333333333")
STORE = UUID("44444444-4444-4444-8444-444444444444")
OPERATIONS = [
    ("GET", "/api/plugins"),
    ("GET", "/api/plugins/whatsapp"),
    ("GET", f"/api/stores/{STORE}/plugins"),
    ("POST", f"/api/stores/{STORE}/plugins"),
    ("PUT", f"/api/stores/{STORE}/plugins/whatsapp"),
    ("DELETE", f"/api/stores/{STORE}/plugins/whatsapp"),
]


class Access:
    """The store is the owner's alone."""

    async def require_owner(self, user: User, store_id: UUID) -> None:
        if (user.id, store_id) != (OWNER, STORE):
            raise StoreUnknown(store_id)

    require_reader = require_owner


class Untouchable:
    """What lies behind the door: a request that reaches it has got in."""

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"reached {name}")


class EmptyShelf:
    async def list_active(self) -> list[object]:
        return []

    async def list_for_store(self, _: UUID) -> list[object]:
        return []


class AuthServer:
    def __init__(self, signer: TokenSigner) -> None:
        self.signer = signer
        self.requests = 0
        self.is_away = False

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.requests += 1
        return httpx.Response(503) if self.is_away else httpx.Response(200, json=self.signer.jwks())


@pytest.fixture(scope="module")
def signer():
    return TokenSigner(ISSUER)


@pytest.fixture
async def auth_server(signer):
    return AuthServer(signer)


@pytest.fixture
async def client(auth_server, request):
    shelf = getattr(request, "param", Untouchable)()
    async with httpx.AsyncClient(transport=httpx.MockTransport(auth_server)) as http:
        host = HostState(
            door=Untouchable(),
            webhook_secrets=(),
            verifier=Verifier(JwksCache(http, "http://auth.test/jwks.json"), issuer=ISSUER),
            access=Access(),
            catalogue=shelf,
            installations=shelf,
            lifecycle=Untouchable(),
            breakers=Untouchable(),
            credits=Untouchable(),
            delivery_log=Untouchable(),
            replays=Untouchable(),
            replay_ranges=Untouchable(),
            store_calls=Untouchable(),
            outbox=Untouchable(),
            provider_webhooks=Untouchable(),
            audit=Untouchable(),
            operator=Untouchable(),
            try_out=Untouchable(),
            notices=Untouchable(),
            live=Untouchable(),
            readiness=Untouchable(),
        )
        app = Litestar(
            routes(),
            exception_handlers={Exception: to_response},
            before_send=[add_request_id],
            openapi_config=None,
            logging_config=None,
            state=State({STATE_KEY: host}),
        )
        async with AsyncTestClient(app) as client:
            yield client


def encoded(part: object) -> str:
    raw = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def with_header(signer: TokenSigner, signature_of: object = lambda _: b"", **header: object) -> str:
    signing_input = f"{encoded({'typ': 'JWT', 'kid': signer.kid, **header})}.{encoded(signer.claims(OWNER))}"
    return f"{signing_input}.{encoded(signature_of(signing_input))}"


def public_pem(signer: TokenSigner) -> bytes:
    key = jwt.PyJWK(signer.jwks()["keys"][0]).key
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256(secret: bytes) -> object:
    return lambda signing_input: hmac.digest(secret, signing_input.encode(), hashlib.sha256)


def own_key_in_header(signer: TokenSigner) -> str:
    mine = TokenSigner(ISSUER, kid=signer.kid)
    return mine.token(OWNER, headers={"jwk": mine.jwks()["keys"][0]})


def tampered(signer: TokenSigner) -> str:
    head, _, signature = signer.token(uuid4()).split(".")
    return f"{head}.{encoded(signer.claims(OWNER))}.{signature}"


def api_key(signer: TokenSigner, role: str) -> str:
    """A legacy API key as Supabase shapes it, here even with a signature that is good."""
    claims = {
        "iss": "supabase",
        "ref": "project",
        "role": role,
        "iat": int(time.time()),
        "exp": int(time.time()) + 10**8,
    }
    kept_out = dict.fromkeys(signer.claims(OWNER).keys() - claims.keys())
    return signer.token(OWNER, **{**kept_out, **claims})


FORGERIES = {
    "garbage": lambda s: "garbage",
    "dots": lambda s: "..",
    "latin-1": lambda s: "\xff.\xff.\xff",
    "not-json-header": lambda s: f"{encoded(b'{')}.e30.AA",
    "nested-header": lambda s: f"{encoded(b'[' * 5_000)}.e30.AA",
    "array-header": lambda s: f"{encoded([])}.e30.AA",
    "alg-none": lambda s: with_header(s, alg="none"),
    "alg-NoNe": lambda s: with_header(s, alg="NoNe"),
    "alg-missing": with_header,
    "alg-number": lambda s: with_header(s, alg=256),
    "hs256-public-pem": lambda s: with_header(s, hs256(public_pem(s)), alg="HS256"),
    "hs256-jwk": lambda s: with_header(s, hs256(json.dumps(s.jwks()["keys"][0]).encode()), alg="HS256"),
    "hs256-x": lambda s: with_header(s, hs256(s.jwks()["keys"][0]["x"].encode()), alg="HS256"),
    "rs256-on-ec-key": lambda s: with_header(s, lambda _: b"\x01" * 256, alg="RS256"),
    "zero-signature": lambda s: with_header(s, lambda _: bytes(64), alg="ES256"),
    "kid-missing": lambda s: with_header(s, kid=None, alg="ES256"),
    "kid-number": lambda s: with_header(s, kid=7, alg="ES256"),
    "kid-path": lambda s: with_header(s, kid="../../etc/passwd", alg="ES256"),
    "kid-long": lambda s: with_header(s, kid="k" * 1_000, alg="ES256"),
    "own-key-in-header": own_key_in_header,
    "jku": lambda s: TokenSigner(ISSUER).token(OWNER, headers={"jku": "http://evil.test/jwks.json"}),
    "crit": lambda s: s.token(OWNER, headers={"crit": ["x"], "x": 1}),
    "other-key-same-kid": lambda s: TokenSigner(ISSUER, kid=s.kid).token(OWNER),
    "unknown-kid": lambda s: TokenSigner(ISSUER).token(OWNER),
    "tampered": tampered,
    "expired": lambda s: s.token(OWNER, exp=int(time.time()) - 3_600),
    "not-yet": lambda s: s.token(OWNER, nbf=int(time.time()) + 3_600),
    "wrong-iss": lambda s: s.token(OWNER, iss="https://other.test/auth/v1"),
    "wrong-aud": lambda s: s.token(OWNER, aud="other"),
    "wrong-role": lambda s: s.token(OWNER, role="postgres"),
    "no-exp": lambda s: s.token(OWNER, exp=None),
    "no-sub": lambda s: s.token(OWNER, sub=None),
    "anon-key": lambda s: api_key(s, "anon"),
    "service-role-key": lambda s: api_key(s, "service_role"),
    "service-role-user": lambda s: s.token(OWNER, role="service_role"),
    "oversize": lambda s: s.token(OWNER, user_metadata={"a": "x" * TOKEN_MAX_BYTES}),
    "publishable-key": lambda s: "sb_publishable_abcdefghijklmnop",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_no_forgery_gets_in(client, signer, method, path, forgery):
    headers = [(b"authorization", b"Bearer " + forgery(signer).encode("latin-1"))]

    response = await client.request(method, path, headers=headers)

    assert (response.status_code, response.headers["www-authenticate"][:6]) == (401, "Bearer")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_nobody_gets_in_without_a_token(client, method, path):
    assert (await client.request(method, path)).status_code == 401


@pytest.mark.parametrize("claims", [{"is_anonymous": True}, {"client_id": "app"}], ids=["anonymous", "third-party"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_who_owns_nothing_is_turned_away(client, signer, method, path, claims):
    headers = {"authorization": f"Bearer {signer.token(OWNER, **claims)}"}

    assert (await client.request(method, path, headers=headers)).status_code == 403


@pytest.mark.parametrize(("method", "path"), OPERATIONS[2:])
async def test_another_owners_store_is_not_there(client, signer, method, path):
    headers = {"authorization": f"Bearer {signer.token(uuid4())}"}

    response = await client.request(method, path, headers=headers, content=b"{")

    assert (response.status_code, response.json()["code"]) == (404, "store_unknown")


async def test_a_strangers_store_and_one_that_is_not_there_are_not_told_apart(client, signer):
    headers = {"authorization": f"Bearer {signer.token(uuid4())}", "x-request-id": "same"}
    missing = uuid4()

    stranger = await client.get(f"/api/stores/{STORE}/plugins", headers=headers)
    nowhere = await client.get(f"/api/stores/{missing}/plugins", headers=headers)

    assert stranger.text.replace(str(STORE), "") == nowhere.text.replace(str(missing), "")


@pytest.mark.parametrize("client", [EmptyShelf], indirect=True)
@pytest.mark.parametrize(("method", "path"), [OPERATIONS[0], OPERATIONS[2]])
async def test_the_owner_gets_in(client, signer, method, path):
    headers = {"authorization": f"Bearer {signer.token(OWNER)}"}

    response = await client.request(method, path, headers=headers)

    assert (response.status_code, response.json()) == (200, {"items": []})


@pytest.mark.parametrize("client", [EmptyShelf], indirect=True)
async def test_a_flood_of_unknown_keys_costs_one_request_and_hurts_no_good_token(client, signer, auth_server):
    good = {"authorization": f"Bearer {signer.token(OWNER)}"}
    await client.get("/api/plugins", headers=good)
    for number in range(200):
        bogus = with_header(signer, kid=f"bogus-{number}", alg="ES256")
        await client.get("/api/plugins", headers={"authorization": f"Bearer {bogus}"})

    assert (await client.get("/api/plugins", headers=good)).status_code == 200
    assert auth_server.requests == 2


@pytest.mark.parametrize("client", [EmptyShelf], indirect=True)
async def test_an_outage_of_the_auth_server_keeps_good_tokens_working(client, signer, auth_server):
    good = {"authorization": f"Bearer {signer.token(OWNER)}"}
    await client.get("/api/plugins", headers=good)
    auth_server.is_away = True
    await client.get("/api/plugins", headers={"authorization": f"Bearer {TokenSigner(ISSUER).token(OWNER)}"})

    assert (await client.get("/api/plugins", headers=good)).status_code == 200


async def test_before_any_key_was_loaded_a_token_is_neither_good_nor_bad(client, signer, auth_server):
    auth_server.is_away = True

    response = await client.get("/api/plugins", headers={"authorization": f"Bearer {signer.token(OWNER)}"})

    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


async def test_a_refusal_repeats_nothing_of_the_token(client, signer):
    token = signer.token(OWNER, role="service_role", email="ana@example.test")

    response = await client.get("/api/plugins", headers={"authorization": f"Bearer {token}"})

    assert not any(part in response.text for part in [*token.split("."), "ana@example.test", str(OWNER)])

"""HS256 tokens are good only where the operator says how they are judged, and only if everything else about them is."""

import asyncio
import time
from uuid import UUID

import httpx
import jwt
import pytest

from pideai_host.settings import Settings
from pideai_host.supabase import AuthServerAway, FoundUser, find_user, service_client
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web import legacy
from pideai_host.web.auth import OwnerNeeded, TokenExpired, TokenInvalid, Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.legacy import FRESH_S, LOOKUPS_AT_ONCE, LOOKUPS_WAITING_MAX, STALE_MAX_S, SharedSecret, UserLookup

ISSUER = "https://project.test/auth/v1"
USER = UUID("0b0f1f9e-5c1e-4a57-9d6a-1d2b3c4d5e6f")
SECRET = "super-secret-jwt-token-with-at-least-32-characters"


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class AuthServer:
    """Knows tokens by their signature, as GoTrue does; `ended` are sessions that are over."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.ended: set[str] = set()
        self.is_away = False
        self.user = FoundUser(str(USER), is_anonymous=False)
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = self.most_at_once = 0
        self.is_full = asyncio.Event()

    async def find(self, token: str) -> FoundUser | None:
        self.asked.append(token)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.at_once >= LOOKUPS_AT_ONCE:
            self.is_full.set()
        try:
            await self.gate.wait()
        finally:
            self.at_once -= 1
        if self.is_away:
            raise AuthServerAway("away")
        try:
            jwt.decode(token, SECRET, algorithms=["HS256"], audience="authenticated")
        except jwt.PyJWTError:
            return None
        return None if token in self.ended else self.user


@pytest.fixture(scope="module")
def signer() -> TokenSigner:
    return TokenSigner(ISSUER)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server() -> AuthServer:
    return AuthServer()


@pytest.fixture
async def keys(signer):
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
    async with httpx.AsyncClient(transport=transport) as http:
        yield JwksCache(http, "http://auth.test/jwks.json")


@pytest.fixture
def by_secret(keys) -> Verifier:
    return Verifier(keys, issuer=ISSUER, legacy=SharedSecret(SECRET))


@pytest.fixture
async def by_lookup(keys, server, clock):
    lookup = UserLookup(server.find, monotonic=clock)
    yield Verifier(keys, issuer=ISSUER, legacy=lookup)
    await lookup.stop()


@pytest.fixture(params=["by_secret", "by_lookup"])
def either(request) -> Verifier:
    return request.getfixturevalue(request.param)


def hs256(signer: TokenSigner, *, secret: str = SECRET, headers: dict[str, str] | None = None, **claims: object) -> str:
    return jwt.encode(signer.claims(USER, **claims), secret, algorithm="HS256", headers=headers)


async def test_hs256_is_refused_unless_the_operator_asks_for_it(keys, signer):
    verifier = Verifier(keys, issuer=ISSUER)

    for headers in ({}, {"kid": signer.kid}):
        with pytest.raises(TokenInvalid):
            await verifier.verify(hs256(signer, headers=headers))


async def test_a_good_token_names_its_user_whether_or_not_it_names_a_key(either, signer):
    assert (await either.verify(hs256(signer))).id == USER
    assert (await either.verify(hs256(signer, headers={"kid": signer.kid}))).id == USER


async def test_tokens_of_the_projects_keys_stay_good_beside_it(either, signer):
    assert (await either.verify(signer.token(USER))).id == USER


@pytest.mark.parametrize("way", [SharedSecret(SECRET), None], ids=["shared secret", "no way"])
async def test_where_no_keys_are_asked_for_their_tokens_are_refused(way, signer):
    with pytest.raises(TokenInvalid):
        await Verifier(None, issuer=ISSUER, legacy=way).verify(signer.token(USER))


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
async def test_no_other_algorithm_goes_this_way(either, signer, algorithm):
    key = None if algorithm == "none" else SECRET * 2
    token = jwt.encode(signer.claims(USER), key, algorithm=algorithm)

    with pytest.raises(TokenInvalid):
        await either.verify(token)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "supabase"},
        {"aud": "anon"},
        {"role": "service_role"},
        {"sub": "42"},
        {"exp": None},
        {"sub": None},
        {"aud": None},
        {"nbf": int(time.time()) + 3_600},
    ],
    ids=["iss", "aud", "role", "sub", "no_exp", "no_sub", "no_aud", "nbf"],
)
async def test_a_token_with_a_wrong_claim_is_refused_however_it_is_signed(either, signer, claims):
    with pytest.raises(TokenInvalid):
        await either.verify(hs256(signer, **claims))


async def test_an_expired_token_is_told_apart(either, signer):
    with pytest.raises(TokenExpired):
        await either.verify(hs256(signer, exp=int(time.time()) - 60))


@pytest.mark.parametrize("claims", [{"is_anonymous": True}, {"client_id": "app"}], ids=str)
async def test_who_is_no_owner_is_told_so(either, signer, claims):
    with pytest.raises(OwnerNeeded):
        await either.verify(hs256(signer, **claims))


async def test_another_secret_signs_nothing(either, signer):
    with pytest.raises(TokenInvalid):
        await either.verify(hs256(signer, secret="another-" + SECRET))


async def test_a_secret_of_the_operators_is_asked_nobody(by_secret, signer, server):
    await by_secret.verify(hs256(signer))

    assert server.asked == []


async def test_what_is_wrong_on_its_face_costs_no_request(by_lookup, signer, server):
    for token in (hs256(signer, iss="https://other.test"), hs256(signer, exp=1), "a.b.c"):
        with pytest.raises(TokenInvalid):
            await by_lookup.verify(token)

    assert server.asked == []


async def test_a_good_token_is_asked_for_once_in_a_while(by_lookup, signer, server, clock):
    token = hs256(signer)
    for _ in range(10):
        await by_lookup.verify(token)
    clock.now_s += FRESH_S
    await by_lookup.verify(token)

    assert server.asked == [token, token]


async def test_a_session_that_ended_is_refused_when_the_answer_is_old(by_lookup, signer, server, clock):
    token = hs256(signer)
    await by_lookup.verify(token)
    server.ended.add(token)
    clock.now_s += FRESH_S

    with pytest.raises(TokenInvalid):
        await by_lookup.verify(token)


async def test_the_same_bad_token_is_asked_for_once(by_lookup, signer, server):
    token = hs256(signer, secret="another-" + SECRET)
    for _ in range(10):
        with pytest.raises(TokenInvalid):
            await by_lookup.verify(token)

    assert server.asked == [token]


async def test_requests_with_one_token_share_one_look_up(by_lookup, signer, server):
    token = hs256(signer)
    server.gate.clear()
    waiting = [asyncio.create_task(by_lookup.verify(token)) for _ in range(50)]
    await asyncio.sleep(0)
    server.gate.set()

    assert {user.id for user in await asyncio.gather(*waiting)} == {USER}
    assert server.asked == [token]


async def test_whoever_goes_away_does_not_cancel_the_look_up_of_the_others(by_lookup, signer, server):
    token = hs256(signer)
    server.gate.clear()
    first, second = (asyncio.create_task(by_lookup.verify(token)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    server.gate.set()

    assert (await second).id == USER


async def test_a_flood_of_forged_tokens_makes_few_requests_at_once_and_leaves_good_ones_alone(
    by_lookup, signer, server
):
    good = hs256(signer)
    await by_lookup.verify(good)
    server.gate.clear()
    forged = [hs256(signer, secret=f"{number}-{SECRET}") for number in range(200)]
    attack = [asyncio.create_task(by_lookup.verify(token)) for token in forged]
    await server.is_full.wait()

    assert (await by_lookup.verify(good)).id == USER
    server.gate.set()
    refusals = await asyncio.gather(*attack, return_exceptions=True)
    assert (server.most_at_once, len(server.asked)) == (LOOKUPS_AT_ONCE, LOOKUPS_WAITING_MAX + 1)
    assert sum(type(one) is TokenInvalid for one in refusals) == LOOKUPS_WAITING_MAX
    assert sum(type(one) is AuthServerAway for one in refusals) == len(forged) - LOOKUPS_WAITING_MAX


async def test_an_outage_keeps_good_tokens_working_for_a_while(by_lookup, signer, server, clock):
    token = hs256(signer)
    await by_lookup.verify(token)
    server.is_away = True

    clock.now_s += STALE_MAX_S - 1
    assert (await by_lookup.verify(token)).id == USER
    clock.now_s += 1
    with pytest.raises(AuthServerAway):
        await by_lookup.verify(token)


async def test_during_an_outage_a_token_that_was_never_seen_is_neither_good_nor_bad(by_lookup, signer, server):
    server.is_away = True

    with pytest.raises(AuthServerAway):
        await by_lookup.verify(hs256(signer))


async def test_a_server_that_hangs_is_waited_for_a_bounded_time(by_lookup, signer, server, monkeypatch):
    monkeypatch.setattr(legacy, "LOOKUP_LIMIT_S", 0.01)
    server.gate.clear()

    with pytest.raises(AuthServerAway, match=r"0\.01 s"):
        await by_lookup.verify(hs256(signer))


async def test_the_servers_word_on_who_it_is_counts(by_lookup, signer, server):
    server.user = FoundUser("11111111-1111-4111-8111-111111111111", is_anonymous=False)

    with pytest.raises(TokenInvalid):
        await by_lookup.verify(hs256(signer))


async def test_the_servers_word_on_anonymous_users_counts(by_lookup, signer, server):
    server.user = FoundUser(str(USER), is_anonymous=True)

    with pytest.raises(OwnerNeeded):
        await by_lookup.verify(hs256(signer))


# The client's side: what GoTrue answers, and what the host makes of it.

SERVICE_KEY = "sb_secret_0123456789abcdef0123456789abcdef"
FOUND = {
    "id": str(USER),
    "aud": "authenticated",
    "role": "authenticated",
    "email": "ana@example.test",
    "app_metadata": {},
    "user_metadata": {},
    "created_at": "2026-01-01T00:00:00Z",
    "is_anonymous": False,
}


class GoTrue:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []
        self.answer = lambda: httpx.Response(200, json=FOUND)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append((request.url.path, request.headers["apikey"], request.headers["authorization"]))
        await asyncio.sleep(0)
        return self.answer()


@pytest.fixture
async def gotrue() -> GoTrue:
    return GoTrue()


@pytest.fixture
async def client(gotrue):
    settings = Settings(supabase_url="https://x.supabase.co", supabase_service_key=SERVICE_KEY)
    async with httpx.AsyncClient(transport=httpx.MockTransport(gotrue)) as http:
        yield await service_client(settings, http)


async def test_the_auth_server_is_asked_with_our_key_and_the_users_token(client, gotrue):
    assert await find_user(client, "abc") == FoundUser(str(USER), is_anonymous=False)
    assert gotrue.seen == [("/auth/v1/user", SERVICE_KEY, "Bearer abc")]


async def test_many_users_are_asked_for_at_once_and_none_with_anothers_token(client, gotrue):
    await asyncio.gather(*(find_user(client, f"token-{number}") for number in range(50)))

    assert sorted(told for _, _, told in gotrue.seen) == sorted(f"Bearer token-{number}" for number in range(50))


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"code": 403, "error_code": "bad_jwt", "msg": "invalid JWT"}),
        (403, {"code": 403, "error_code": "session_not_found", "msg": "Session from session_id claim does not exist"}),
        (403, {"code": 403, "error_code": "user_banned", "msg": "User is banned"}),
        (404, {"code": 404, "error_code": "user_not_found", "msg": "User not found"}),
        (401, {"code": 401, "msg": "This endpoint requires a Bearer token"}),
    ],
    ids=lambda value: value.get("error_code", "401") if isinstance(value, dict) else None,
)
async def test_a_token_that_the_server_refuses_is_nobodys(client, gotrue, status, body):
    gotrue.answer = lambda: httpx.Response(status, json=body)

    assert await find_user(client, "abc") is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(401, json={"message": "Invalid API key"}),
        lambda: httpx.Response(429, json={"code": 429, "error_code": "over_request_rate_limit", "msg": "slow down"}),
        lambda: httpx.Response(500, json={"code": 500, "msg": "unexpected failure"}),
        lambda: httpx.Response(500, text="<html>"),
        lambda: httpx.Response(503, json={}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json={"id": 5}),
    ],
    ids=["wrong key", "too many", "500", "500 html", "503", "200 html", "wrong shape"],
)
async def test_any_other_answer_says_nothing_of_the_token(client, gotrue, answer):
    gotrue.answer = answer

    with pytest.raises(AuthServerAway) as refusal:
        await find_user(client, "abc")
    assert SERVICE_KEY not in str(refusal.value)
    assert "abc" not in refusal.value.message


async def test_a_server_that_cannot_be_reached_says_nothing_of_the_token(client, gotrue):
    def refuse() -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    gotrue.answer = refuse

    with pytest.raises(AuthServerAway):
        await find_user(client, "abc")

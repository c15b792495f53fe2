"""The key cache: one request at a time, few requests in all, and the last good set whatever happens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.jwks import (
    DOCUMENT_MAX_BYTES,
    NEEDED_LOAD_GAP_S,
    REFRESH_S,
    RETRY_S,
    STALE_MAX_S,
    UNKNOWN_KEY_GAP_S,
    JwksCache,
    KeysUnavailable,
    parse_key_set,
)

URL = "http://auth.test/auth/v1/.well-known/jwks.json"


class Clock:
    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


class AuthServer:
    """Serves what `answer` makes, counts the requests."""

    def __init__(self, jwks: dict[str, Any]) -> None:
        self.jwks = jwks
        self.requests = 0
        self.answer: Callable[[], httpx.Response] = lambda: httpx.Response(200, json=self.jwks)
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.requests += 1
        self.asked.set()
        await self.gate.wait()
        return self.answer()

    def go_away(self) -> None:
        def refuse() -> httpx.Response:
            raise httpx.ConnectError("connection refused")

        self.answer = refuse


@pytest.fixture
def signer() -> TokenSigner:
    return TokenSigner("http://auth.test/auth/v1", kid="first")


@pytest.fixture
async def server(signer: TokenSigner) -> AuthServer:
    return AuthServer(signer.jwks())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cache(server: AuthServer, clock: Clock) -> AsyncIterator[JwksCache]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        cache = JwksCache(http, URL, monotonic=clock)
        yield cache
        await cache.stop()


async def test_a_known_key_costs_no_further_request(cache, server):
    await cache.refresh()

    for _ in range(100):
        assert await cache.key("first") is not None

    assert server.requests == 1


async def test_the_first_token_loads_the_set(cache):
    assert await cache.key("first") is not None


async def test_requests_at_the_same_moment_share_one_fetch(cache, server):
    server.gate.clear()
    waiting = [asyncio.create_task(cache.key("first")) for _ in range(50)]
    await server.asked.wait()
    server.gate.set()

    assert all(await asyncio.gather(*waiting))
    assert server.requests == 1


async def test_whoever_goes_away_does_not_cancel_the_fetch_of_the_others(cache, server):
    server.gate.clear()
    first, second = (asyncio.create_task(cache.key("first")) for _ in range(2))
    await server.asked.wait()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    server.gate.set()

    assert await second is not None


async def test_ten_thousand_unknown_keys_cause_one_refetch_in_the_window(cache, server):
    await cache.refresh()

    for number in range(10_000):
        assert await cache.key(f"bogus-{number}") is None

    assert server.requests == 2


async def test_unknown_keys_are_asked_for_again_after_the_window(cache, server, clock):
    await cache.refresh()
    await cache.key("bogus-1")
    clock.now_s += UNKNOWN_KEY_GAP_S

    await cache.key("bogus-2")

    assert server.requests == 3


async def test_a_key_that_stayed_unknown_is_remembered_beyond_the_window(cache, server, clock):
    await cache.refresh()
    await cache.key("bogus")
    clock.now_s += UNKNOWN_KEY_GAP_S

    assert await cache.key("bogus") is None
    assert server.requests == 2


async def test_an_unknown_key_met_during_an_outage_is_not_held_against_it(cache, server, clock):
    rotated = TokenSigner("http://auth.test/auth/v1", kid="second")
    await cache.refresh()
    server.go_away()
    await cache.key("second")
    clock.now_s += UNKNOWN_KEY_GAP_S
    server.answer = lambda: httpx.Response(200, json=rotated.jwks())

    assert await cache.key("second") is not None


async def test_a_rotated_key_is_taken_on_first_sight(cache, server):
    await cache.refresh()
    server.jwks = TokenSigner("http://auth.test/auth/v1", kid="second").jwks()

    assert await cache.key("second") is not None


async def test_a_revoked_key_is_gone_after_the_next_refresh(cache, server):
    await cache.refresh()
    server.jwks = TokenSigner("http://auth.test/auth/v1", kid="second").jwks()
    await cache.refresh()

    assert await cache.key("first") is None


@pytest.mark.parametrize(
    "answer",
    [
        lambda: httpx.Response(500),
        lambda: httpx.Response(302, headers={"location": "http://elsewhere.test/jwks.json"}),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, content=b"[" * 20_000),
        lambda: httpx.Response(200, content=b'{"keys": "\xff"}'),
        lambda: httpx.Response(200, json={"keys": "none"}),
        lambda: httpx.Response(200, content=b" " * (DOCUMENT_MAX_BYTES + 1)),
    ],
    ids=["500", "redirect", "html", "nested", "not-utf-8", "wrong-shape", "too-large"],
)
async def test_a_bad_answer_keeps_the_last_good_set(cache, server, answer):
    await cache.refresh()
    server.answer = answer

    assert not await cache.refresh()
    assert await cache.key("first") is not None


async def test_an_outage_keeps_the_last_good_set(cache, server):
    await cache.refresh()
    server.go_away()

    assert not await cache.refresh()
    assert await cache.key("first") is not None
    assert cache.is_usable


async def test_the_last_good_set_serves_up_to_a_limit_and_no_longer(cache, server, clock):
    await cache.refresh()
    server.go_away()

    clock.now_s += STALE_MAX_S
    assert await cache.key("first") is not None
    clock.now_s += 1
    with pytest.raises(KeysUnavailable):
        await cache.key("first")
    assert not cache.is_usable


async def test_a_server_that_stays_away_is_not_asked_for_every_token_either(cache, server, clock):
    await cache.refresh()
    server.go_away()
    clock.now_s += STALE_MAX_S + 1

    for _ in range(100):
        with pytest.raises(KeysUnavailable):
            await cache.key("first")

    assert server.requests == 2


async def test_a_set_that_was_too_old_is_good_again_once_it_is_refreshed(cache, server, clock):
    answer = server.answer
    await cache.refresh()
    server.go_away()
    clock.now_s += STALE_MAX_S + 1
    with pytest.raises(KeysUnavailable):
        await cache.key("first")
    server.answer = answer
    clock.now_s += NEEDED_LOAD_GAP_S

    assert await cache.key("first") is not None


async def test_how_old_the_set_is_counts_from_the_last_good_answer(cache, server, clock):
    assert cache.age_s is None
    await cache.refresh()
    server.go_away()
    clock.now_s += 7
    await cache.refresh()

    assert cache.age_s == 7


async def test_without_any_set_a_token_cannot_be_judged(cache, server):
    server.go_away()

    with pytest.raises(KeysUnavailable):
        await cache.key("first")
    assert not cache.is_usable


async def test_a_server_that_is_away_is_not_asked_for_every_token(cache, server):
    server.go_away()

    for _ in range(100):
        with pytest.raises(KeysUnavailable):
            await cache.key("first")

    assert server.requests == 1


async def test_the_first_load_is_tried_again_soon(cache, server, clock):
    good, _ = server.answer, server.go_away()
    with pytest.raises(KeysUnavailable):
        await cache.key("first")
    server.answer = good
    clock.now_s += NEEDED_LOAD_GAP_S

    assert await cache.key("first") is not None


async def test_the_background_refreshes_and_after_a_failure_sooner(server):
    naps: asyncio.Queue[float] = asyncio.Queue()
    wake = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await naps.put(seconds)
        await wake.wait()
        wake.clear()

    async with httpx.AsyncClient(transport=httpx.MockTransport(server)) as http:
        cache = JwksCache(http, URL, sleep=sleep)
        cache.start()
        after_success = await naps.get()
        server.go_away()
        wake.set()
        after_failure = await naps.get()
        await cache.stop()

    assert (after_success, after_failure) == (REFRESH_S, RETRY_S)


async def test_stop_may_be_called_twice_and_without_start(cache):
    await cache.stop()
    await cache.stop()


def ec_jwk(curve: ec.EllipticCurve, **extra: Any) -> dict[str, Any]:
    public = ec.generate_private_key(curve).public_key()
    return {**json.loads(ECAlgorithm.to_jwk(public)), "kid": "k", **extra}


def rsa_jwk(bits: int, **extra: Any) -> dict[str, Any]:
    public = rsa.generate_private_key(public_exponent=65_537, key_size=bits).public_key()
    return {**json.loads(RSAAlgorithm.to_jwk(public)), "kid": "k", **extra}


@pytest.mark.parametrize(
    ("jwk", "algorithm"),
    [
        (ec_jwk(ec.SECP256R1()), "ES256"),
        (ec_jwk(ec.SECP256R1(), alg="ES256", use="sig"), "ES256"),
        (rsa_jwk(2_048), "RS256"),
    ],
    ids=["es256", "es256-named", "rs256"],
)
def test_the_key_decides_its_algorithm(jwk, algorithm):
    assert parse_key_set(json.dumps({"keys": [jwk]}).encode())["k"].algorithm_name == algorithm


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "oct", "kid": "k", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I", "alg": "HS256"},
        ec_jwk(ec.SECP384R1()),
        ec_jwk(ec.SECP256R1(), alg="HS256"),
        ec_jwk(ec.SECP256R1(), alg=["ES256"]),
        ec_jwk(ec.SECP256R1(), use="enc"),
        ec_jwk(ec.SECP256R1(), x="AAAA"),
        ec_jwk(ec.SECP256R1(), y=7),
        ec_jwk(ec.SECP256R1(), kid=""),
        ec_jwk(ec.SECP256R1(), kid="k" * 257),
        ec_jwk(ec.SECP256R1(), kid=None),
        rsa_jwk(1_024),
        rsa_jwk(2_048, alg="RS512"),
        {"kid": "k"},
    ],
    ids=[
        "symmetric", "p384", "ec-as-hmac", "alg-list", "encryption", "short-x", "y-number",
        "empty-kid", "long-kid", "no-kid", "short-rsa", "rs512", "no-kty",
    ],
)  # fmt: skip
def test_an_unusable_key_is_left_out_and_hides_no_other(jwk):
    good = ec_jwk(ec.SECP256R1(), kid="good")

    assert list(parse_key_set(json.dumps({"keys": [jwk, good]}).encode())) == ["good"]


def test_private_parts_in_a_published_key_are_not_taken_over():
    private = ec.generate_private_key(ec.SECP256R1())
    jwk = {**json.loads(ECAlgorithm.to_jwk(private)), "kid": "k"}

    key = parse_key_set(json.dumps({"keys": [jwk]}).encode())["k"]

    assert isinstance(key.key, ec.EllipticCurvePublicKey)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3), max_leaves=5
)
jwk_like = st.dictionaries(
    st.sampled_from(["kid", "kty", "crv", "x", "y", "n", "e", "alg", "use", "d"]),
    json_values | st.sampled_from(["EC", "RSA", "oct", "P-256", "ES256", "RS256", "sig", "AQAB", "A" * 43]),
)


@given(st.lists(jwk_like, max_size=4))
def test_no_document_makes_the_parser_raise_anything_else(keys):
    parsed = parse_key_set(json.dumps({"keys": keys}).encode())

    assert all(isinstance(key, jwt.PyJWK) for key in parsed.values())

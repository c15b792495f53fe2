"""What judges tokens is what the operator set, and a host that could let nobody in does not start."""

import asyncio
from uuid import uuid4

import httpx
import msgspec
import pytest

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.auth import TokenInvalid
from pideai_host.web.identity import identity_client, open_identity, require_identity

PROJECT = {"SUPABASE_URL": "https://x.supabase.co"}
SERVICE_KEY = {"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_0123456789abcdef0123456789abcdef"}
SECRET = {"PIDEAI_TOKEN_CHECKS": "shared_secret", "PIDEAI_LEGACY_JWT_SECRET": "s" * 32}
LOOKUP = {"PIDEAI_TOKEN_CHECKS": "user_lookup"}


@pytest.mark.parametrize(
    "environ",
    [{}, SECRET, {**LOOKUP, **SERVICE_KEY}, {**PROJECT, **LOOKUP}, {"SUPABASE_JWT_ISSUER": "https://x.test"}],
    ids=["nothing", "no issuer", "look-up nowhere", "look-up without key", "no key set"],
)
def test_what_could_let_nobody_in_is_a_configuration_error(environ):
    with pytest.raises(ConfigurationError):
        require_identity(Settings.from_env(environ))


@pytest.mark.parametrize(
    "environ", [PROJECT, {**PROJECT, **SECRET}, {**PROJECT, **LOOKUP, **SERVICE_KEY}], ids=["keys", "secret", "look-up"]
)
def test_what_is_complete_is_enough(environ):
    """Nothing is raised, and that is all that is said."""
    assert require_identity(Settings.from_env(environ)) is None


@pytest.mark.parametrize(
    ("environ", "asks"),
    [
        (PROJECT, {"/auth/v1/.well-known/jwks.json"}),
        ({**PROJECT, **SECRET}, set()),
        ({**PROJECT, **LOOKUP, **SERVICE_KEY}, set()),
    ],
    ids=["keys", "secret", "look-up"],
)
async def test_the_key_set_is_loaded_only_where_it_counts(environ, asks):
    signer = TokenSigner("https://x.supabase.co/auth/v1")
    asked = set()

    def answer(request: httpx.Request) -> httpx.Response:
        asked.add(request.url.path)
        return httpx.Response(200, json=signer.jwks())

    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http,
        open_identity(Settings.from_env(environ), http) as identity,
    ):
        if identity.keys is not None:
            await identity.keys.refresh()
        with pytest.raises(TokenInvalid):
            await identity.verifier.verify(TokenSigner(signer.issuer).token(uuid4()))

    assert asked == asks


async def test_the_keys_may_lie_on_this_machine():
    signer = TokenSigner("https://x.supabase.co/auth/v1")
    body = msgspec.json.encode(signer.jwks())

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
        settings = Settings.from_env({**PROJECT, "SUPABASE_JWKS_URL": url})
        async with identity_client(settings) as http, open_identity(settings, http) as identity:
            assert identity.keys is not None
            assert await identity.keys.refresh()


@pytest.mark.parametrize(
    ("environ", "plain"),
    [(PROJECT, False), ({**PROJECT, **SECRET}, False), ({**PROJECT, **LOOKUP, **SERVICE_KEY}, True)],
    ids=["keys", "secret", "look-up"],
)
async def test_httpxs_own_transport_is_made_only_where_users_are_looked_up(environ, plain):
    async with identity_client(Settings.from_env(environ)) as http:
        assert (type(http) is httpx.AsyncClient) is plain

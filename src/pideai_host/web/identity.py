"""How the tokens of this process's users are judged, as the operator wants it: put together, and taken down."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from ipaddress import ip_network
from typing import Final

import httpx
import msgspec

from pideai_host.api import ConfigurationError
from pideai_host.outgoing.client import MAX_BODY_BYTES, TOTAL_S, OutgoingClient
from pideai_host.outgoing.transport import GuardedTransport
from pideai_host.settings import Settings
from pideai_host.supabase import find_user, service_client
from pideai_host.web.auth import Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.legacy import LegacyTokens, SharedSecret, UserLookup

ANYWHERE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
"""Where the project's keys may lie: the operator says so, and it may be this machine."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What judges tokens.

    Attributes:
        keys: The project's signing keys; None where they are not asked for.
    """

    verifier: Verifier
    keys: JwksCache | None


def require_identity(settings: Settings) -> None:
    """Return if users' tokens can be judged as the settings want it.

    Raises:
        ConfigurationError: something is missing for that, so no user could ever be let in.
    """
    if settings.jwt_issuer is None or ("jwks" in settings.token_checks and settings.jwks_url is None):
        raise ConfigurationError(
            "SUPABASE_URL is not set, so no user's token can be checked",
            hint="Set it to https://<project>.supabase.co, or play with `pideai-host demo --serve`.",
        )
    if "user_lookup" in settings.token_checks and None in (settings.supabase_url, settings.supabase_service_key):
        raise ConfigurationError(
            "PIDEAI_TOKEN_CHECKS has user_lookup, but SUPABASE_URL or SUPABASE_SERVICE_ROLE_KEY is not set",
            hint="The auth server is asked at the one, with the other as apikey.",
        )


def identity_client(settings: Settings) -> httpx.AsyncClient:
    """Make the client that `open_identity` needs; it follows no redirects and asks no proxy.

    The Supabase client, which finds users, wants one that it may set up as it likes. For the keys alone the plugins'
    transport does, without its guard: httpx's own takes 60 ms of the start to be imported and to read certificates.
    """
    if "user_lookup" in settings.token_checks:
        return httpx.AsyncClient(trust_env=False, follow_redirects=False)
    transport = GuardedTransport(allow=ANYWHERE, total_s=TOTAL_S, max_body_bytes=MAX_BODY_BYTES)
    return OutgoingClient(transport, owns_pool=True)


@asynccontextmanager
async def open_identity(settings: Settings, http: httpx.AsyncClient) -> AsyncIterator[Identity]:
    """Load the project's keys in the background, or make ready to ask its auth server, for as long as the block runs.

    Args:
        settings: As `require_identity` wants them.
        http: As `identity_client` makes it; it outlives this.
    """
    async with AsyncExitStack() as stack:
        keys = None
        if "jwks" in settings.token_checks:
            keys = JwksCache(http, settings.jwks_url or "", stale_max_s=settings.jwks_stale_max_s)
            stack.push_async_callback(keys.stop)
            keys.start()
        legacy = await _legacy(settings, http, stack)
        verifier = Verifier(keys, issuer=settings.jwt_issuer or "", audience=settings.jwt_audience, legacy=legacy)
        yield Identity(verifier=verifier, keys=keys)


async def _legacy(settings: Settings, http: httpx.AsyncClient, stack: AsyncExitStack) -> LegacyTokens | None:
    if settings.legacy_jwt_secret is not None:
        return SharedSecret(settings.legacy_jwt_secret)
    if "user_lookup" not in settings.token_checks:
        return None
    client = await service_client(settings, http)
    if client is None:
        require_identity(settings)
        return None
    lookup = UserLookup(partial(find_user, client))
    stack.push_async_callback(lookup.stop)
    return lookup

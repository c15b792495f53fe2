"""How the tokens of this process's users are judged, as the operator wants it: put together, and taken down."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import httpx
import msgspec

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings
from pideai_host.supabase import find_user, service_client
from pideai_host.web.auth import Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.legacy import LegacyTokens, SharedSecret, UserLookup


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


@asynccontextmanager
async def open_identity(settings: Settings, http: httpx.AsyncClient) -> AsyncIterator[Identity]:
    """Load the project's keys in the background, or make ready to ask its auth server, for as long as the block runs.

    Args:
        settings: As `require_identity` wants them.
        http: A plain client, which outlives this.
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

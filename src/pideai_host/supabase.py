"""The client of the Supabase project with its service key, for what its database does not tell.

Imported only when configured: the package takes a quarter of a second and 41 MB (supabase.md 6).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import httpx
import msgspec

from pideai_host.api.errors import PideaiError
from pideai_host.settings import Settings

if TYPE_CHECKING:
    from supabase import AsyncClient

TIMEOUT_S: Final = 30.0
_REFUSALS: Final = frozenset({400, 401, 403, 404, 422})


@asynccontextmanager
async def open_service_client(settings: Settings) -> AsyncIterator["AsyncClient | None"]:
    """Make the service client of a process, with an HTTP client of its own that is closed at the end of the block.

    Where there is none, that one is not made either: httpx's own transport and its certificates take 60 ms.
    """
    if None in (settings.supabase_url, settings.supabase_service_key):
        yield None
        return
    async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT_S) as http:
        yield await service_client(settings, http)


async def service_client(settings: Settings, http: httpx.AsyncClient) -> "AsyncClient | None":
    """Make the service client of a process; None unless SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY are both set.

    It acts as the service role, for all stores: never sign in with it, which would make it that user for everybody.

    Args:
        settings: The operator's.
        http: Carries its requests; a plain client over HTTP/1.1, which outlives it. Its time limits apply.
    """
    if settings.supabase_url is None or settings.supabase_service_key is None:
        return None
    from supabase import AsyncClientOptions, acreate_client  # noqa: PLC0415 - see above

    options = AsyncClientOptions(auto_refresh_token=False, persist_session=False, httpx_client=http)
    return await acreate_client(settings.supabase_url, settings.supabase_service_key, options)


class FoundUser(msgspec.Struct, frozen=True):
    """Whom the auth server knows a token to be of.

    Attributes:
        id: As in ``auth.users``.
        is_anonymous: Whether they never signed up.
    """

    id: str
    is_anonymous: bool


class AuthServerAway(PideaiError):  # noqa: N818 - a condition, not a fault of ours
    """The auth server does not say whether a token is good."""

    code = "auth_server_away"


async def find_user(client: "AsyncClient", token: str) -> FoundUser | None:
    """Ask the auth server whose token it is; None if it accepts it not (or not any more).

    The token goes out with this one request; nothing of the client changes, so that many may ask at once.

    Raises:
        AuthServerAway: it does not answer, or refuses us rather than the token.
    """
    from supabase import AuthApiError, AuthError  # noqa: PLC0415 - see above

    try:
        response = await client.auth.get_user(token)
    except AuthApiError as error:
        if error.status in _REFUSALS and "api key" not in error.message.lower():
            return None
        raise AuthServerAway(f"the auth server answered {error.status}: {error.message[:200]}") from error
    except (AuthError, ValueError) as error:
        raise AuthServerAway(f"the auth server did not answer: {type(error).__name__}") from error
    user = None if response is None else response.user
    return None if user is None else FoundUser(user.id, user.is_anonymous)

"""The client of the Supabase project with its service key, for plugins that need more than its database.

Imported only when configured: the package takes a quarter of a second and 41 MB (supabase.md 6).
"""

from typing import TYPE_CHECKING

import httpx

from pideai_host.settings import Settings

if TYPE_CHECKING:
    from supabase import AsyncClient


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

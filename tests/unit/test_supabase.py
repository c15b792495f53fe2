"""The Supabase client: there when it is configured, and not even imported when it is not."""

import subprocess
import sys

import httpx
import pytest

from pideai_host.settings import Settings
from pideai_host.supabase import service_client

KEY = "sb_secret_0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    "settings",
    [Settings(), Settings(supabase_url="https://x.supabase.co"), Settings(supabase_service_key=KEY)],
    ids=["nothing", "no key", "no url"],
)
async def test_without_both_settings_there_is_none(settings):
    async with httpx.AsyncClient() as http:
        assert await service_client(settings, http) is None


async def test_its_requests_carry_the_service_key_to_the_project():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.url.host, request.headers["apikey"]))
        return httpx.Response(200, json=[])

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        client = await service_client(Settings(supabase_url="https://x.supabase.co", supabase_service_key=KEY), http)
        await client.table("stores").select("id").execute()

    assert seen == [("x.supabase.co", KEY)]


def test_a_host_without_the_settings_does_not_load_the_package():
    code = "import sys, pideai_host.web.app; sys.exit('supabase' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

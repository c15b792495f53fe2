"""What a process imports until it serves: libraries that nothing there needs would take time and memory each time."""

import subprocess
import sys

import pytest

NOBODY = {"h2", "httpcore", "isoduration", "pydantic", "sqlparse", "supabase", "yoyo"}
"""Of these, some are imported where they are configured or called for, and never before."""
OF_THE_API = {"granian", "jwt", "litestar", "yaml"}

BUILT = """
from pideai_host.settings import Settings
from pideai_host.web.app import build_app
app = build_app(Settings.from_env({}), with_worker=False)
assert app.routes
"""
CONFIGURED = """
import asyncio
from pideai_host.settings import Settings
from pideai_host.supabase import open_service_client
from pideai_host.web.identity import identity_client
async def main():
    settings = Settings.from_env({"SUPABASE_URL": "https://x.supabase.co"})
    async with open_service_client(settings) as client, identity_client(settings):
        assert client is None
asyncio.run(main())
"""


def imported(code: str) -> set[str]:
    """Return what an interpreter has imported that has run code and nothing else."""
    told = "\nimport sys\nprint('imported', *sys.modules)"
    run = subprocess.run([sys.executable, "-c", code + told], check=True, capture_output=True, text=True)
    names = next(line for line in run.stdout.splitlines() if line.startswith("imported"))
    return {name.partition(".")[0] for name in names.split()}


@pytest.mark.parametrize(
    ("code", "unneeded"),
    [
        ("import pideai_host.cli.worker", NOBODY | OF_THE_API),
        ("import pideai_host.cli.serve", NOBODY),
        (BUILT, NOBODY),
        (CONFIGURED, NOBODY),
    ],
    ids=["worker", "serve", "application with the plugins", "clients of a host without a service key"],
)
def test_what_starts_does_not_import_what_it_does_not_need(code, unneeded):
    assert imported(code) & unneeded == set()

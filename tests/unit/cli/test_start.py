"""What a process imports until it serves: libraries that nothing there needs would take time and memory each time."""

import subprocess
import sys

import pytest

from pideai_host.collector import OLDER, YOUNGEST

NOBODY = {"h2", "httpcore", "isoduration", "pydantic", "sqlparse", "supabase", "yoyo"}
"""Of these, some are imported where they are configured or called for, and never before."""
OF_THE_API = {"granian", "jwt", "litestar", "yaml"}

BUILT = """
from pideai_host.settings import Settings
from pideai_host.web.app import build_app
app = build_app(Settings.from_env({}), with_worker=False)
assert app.routes
"""
AT_WORK = """
import gc
from pideai_host.cli import app
app.run = lambda _: print(*gc.get_threshold())
app.main([])
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


def printed(code: str) -> list[str]:
    """Return the lines that an interpreter prints which runs code and nothing else."""
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return run.stdout.splitlines()


def imported(code: str) -> set[str]:
    """Return what it has imported then."""
    lines = printed(f"{code}\nimport sys\nprint('imported', *sys.modules)")
    names = next(line for line in lines if line.startswith("imported"))
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


def test_the_collector_looks_seldom_while_a_command_is_imported():
    assert printed(AT_WORK) == [f"{YOUNGEST} {OLDER} {OLDER}"]

"""The first of the README's two commands, run as a newcomer runs it: with real processes."""

import os
import subprocess
import sys

import psycopg
import pytest

from pideai_host.db.embedded import EmbeddedServer


@pytest.mark.timeout(240)
def test_the_demo_arrives_and_arrives_again_on_data_that_was_changed_and_leaves_nothing_beside_it(open_dir):
    temporary = open_dir / "tmp"
    temporary.mkdir(mode=0o777)
    environ = {**os.environ, "PIDEAI_DATA_DIR": str(open_dir / "data"), "COLUMNS": "160", "TMPDIR": str(temporary)}

    def told():
        run = subprocess.run(
            [sys.executable, "-m", "pideai_host", "demo"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        return run.returncode, "Everything arrived." in run.stdout, run.stderr

    first = told()
    with EmbeddedServer(open_dir / "data") as server, psycopg.connect(server.urls.admin) as connection:
        connection.execute(
            """update public.store_plugins set policy = '{"retry": {"delays_s": [1]}}', enabled = false"""
        )
    second = told()

    assert [first, second] == [(0, True, "")] * 2
    assert list(temporary.glob("pideai-demo-*")) == []

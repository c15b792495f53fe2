"""The first of the README's two commands, run as a newcomer runs it: with real processes."""

import os
import subprocess
import sys

import pytest


@pytest.mark.timeout(240)
def test_the_demo_arrives_and_arrives_again_on_the_same_data(open_dir):
    environ = {**os.environ, "PIDEAI_DATA_DIR": str(open_dir / "data"), "COLUMNS": "160"}
    runs = [
        subprocess.run(
            [sys.executable, "-m", "pideai_host", "demo"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        for _ in range(2)
    ]
    told = [(run.returncode, "Everything arrived." in run.stdout, run.stderr) for run in runs]

    assert told == [(0, True, "")] * 2

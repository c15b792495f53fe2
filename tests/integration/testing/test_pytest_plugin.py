"""The tests that docs/plugins.md writes down for its courier run as they are, where the host is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "plugins.md"
QUIET = ("-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", "-o", "asyncio_mode=auto")


def blocks(heading, language):
    section = DOCUMENT.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [part.split("```")[0] for part in section.split(f"```{language}\n")[1:]]


@pytest.fixture
def package(open_dir):
    """The plugin's package beside its tests."""
    folder = open_dir / "acme_courier" / "migrations"
    (folder / "rollback").mkdir(parents=True)
    up, down = blocks("Tables of its own", "sql")
    (folder / "001_pickups.sql").write_text(up)
    (folder / "rollback" / "001_pickups.sql").write_text(down)
    (open_dir / "acme_courier" / "__init__.py").write_text(blocks("Jobs", "python")[0])
    (open_dir / "test_courier.py").write_text(blocks("Testing a plugin", "python")[0])
    return open_dir


def test_an_authors_tests_run_as_they_are(package):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *QUIET, "--rootdir", str(package), str(package)],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(package)},
        cwd=package,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert "3 passed" in done.stdout, done.stdout + done.stderr

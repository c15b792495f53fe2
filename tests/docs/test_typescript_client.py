"""The client of examples/panel is generated from docs/openapi.json and compiles strictly, without a hand on it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_AWAY = re.compile(
    r"E(?:NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH)|SOCKET_TIMEOUT|ENOTCACHED"
)


def _npm(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [shutil.which("npm") or "npm", *words], cwd=cwd, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with what it needs."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node.js with npm is not installed, so no TypeScript client can be generated")
    root = tmp_path_factory.mktemp("client")
    (root / "docs").mkdir()
    shutil.copy(ROOT / "docs/openapi.json", root / "docs")
    ignored = shutil.ignore_patterns("node_modules", "api.d.ts", "package-lock.json")
    panel = root / "examples/panel"
    shutil.copytree(ROOT / "examples/panel", panel, ignore=ignored)
    quiet = ("--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline", "--fetch-retries=1")
    done = _npm("install", *quiet, cwd=panel)
    if done.returncode and _AWAY.search(done.stderr):
        pytest.skip("npm reaches no registry, so no TypeScript client can be generated")
    assert done.returncode == 0, done.stderr
    return panel


@pytest.mark.timeout(500)
def test_the_generated_client_and_its_use_compile_strictly(panel):
    generated = _npm("run", "generate", cwd=panel)
    assert generated.returncode == 0, generated.stderr

    compiled = _npm("run", "check", cwd=panel)

    assert compiled.returncode == 0, compiled.stdout


def test_the_example_casts_nothing():
    source = (ROOT / "examples/panel/src/panel.ts").read_text(encoding="utf-8")

    assert re.findall(r"\bas (?!const)[A-Za-z]+|: any\b|@ts-ignore", source) == []

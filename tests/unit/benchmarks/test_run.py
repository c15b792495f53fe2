"""What `python -m benchmarks` promises to whoever reads its JSON."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import __main__ as main
from benchmarks.figures import Figure
from benchmarks.harness import Options
from benchmarks.processes import BenchmarkFailed

ROOT = Path(__file__).parents[3]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_json_is_a_list_of_named_figures_with_their_baselines(tmp_path):
    found = run("--only", "hook", "--rounds", "1", "--json", str(tmp_path / "out.json"))
    assert found.returncode == 0, found.stderr
    figures = json.loads((tmp_path / "out.json").read_text())
    assert [set(figure) for figure in figures] == [{"name", "value", "unit", "baseline", "ratio"}] * 3


def test_an_unknown_benchmark_is_refused_by_name():
    found = run("--only", "hook,nonsense")
    assert found.returncode == 2
    assert "there is no benchmark nonsense" in found.stderr


async def test_a_benchmark_that_fails_costs_itself_alone(monkeypatch):
    async def failing(options):
        raise BenchmarkFailed("gone")

    async def fine(options):
        return [Figure("fine", 1.0, "s")]

    monkeypatch.setitem(main.ALONE, "hook", failing)
    monkeypatch.setitem(main.ALONE, "call", fine)
    assert await main._run(["hook", "call"], Options()) == ([Figure("fine", 1.0, "s")], ["hook"])

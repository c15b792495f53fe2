"""How the peers' programs are asked for, and what wrk says is read."""

from pathlib import Path

import pytest
from benchmarks.peers import tools
from benchmarks.processes import BenchmarkFailed

SAID = """Running 5s test @ http://127.0.0.1:8080
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    12.11ms    3.02ms  61.28ms   90.99%
  Latency Distribution
     50%   11.52ms
     75%   12.80ms
     90%  950.00us
     99%    1.02s
  26555 requests in 5.01s, 4.38MB read
Requests/sec:   5300.27
Transfer/sec:      0.87MB
"""


def test_what_wrk_says_is_read():
    outcome = tools.outcome(SAID)
    assert (outcome.accepted, outcome.rate, outcome.p50_ms, outcome.p99_ms) == (26_555, 5_300.27, 11.52, 1_020.0)


@pytest.mark.parametrize("line", ["  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 2"])
def test_an_answer_that_is_no_success_fails_the_run(line):
    with pytest.raises(BenchmarkFailed):
        tools.outcome(f"{SAID}{line}\n")


def test_what_this_machine_lacks_is_named(monkeypatch, tmp_path):
    program = tmp_path / "nginx"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.missing() == ["wrk", "redis-server", "npm"]


def test_other_drivers_are_told_where_the_server_is():
    url = "postgresql://postgres@/pideai?host=%2Ftmp%2Frun"
    assert tools.libpq_environ(url, "nest") == {
        "PGHOST": str(Path("/tmp/run")),
        "PGPORT": "5432",
        "PGUSER": "postgres",
        "PGDATABASE": "nest",
    }

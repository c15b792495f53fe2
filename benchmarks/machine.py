"""What processes take, from /proc, and the size of the machine."""

import os
import platform
from pathlib import Path
from typing import Final

_TICK: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def cpu_s(*roots: int) -> float:
    """Return the CPU seconds of some processes and all below them, with those that have ended there."""
    ticks = {pid: sum(map(int, fields[11:15])) for pid, fields in _stats().items()}
    return sum(ticks.get(pid, 0) for pid in _trees(roots)) / _TICK


def memory_mib(*roots: int) -> float:
    """Return the memory of some processes and all below them; what they share counts once (PSS)."""
    return sum(_pss_kib(pid) for pid in _trees(roots)) / 1024


def describe() -> str:
    """Name the machine's size in one line."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory_kib = next(int(line.split()[1]) for line in _lines("meminfo") if line.startswith("MemTotal"))
    cores = os.cpu_count()
    return f"{cores} cores ({model}), {memory_kib / 2**20:.0f} GiB, Python {platform.python_version()}"


def _stats() -> dict[int, list[str]]:
    """Read the fields of every process's stat from the third on; a name may hold anything, so cut after it."""
    found = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:  # ended meanwhile
                continue
    return found


def _trees(roots: tuple[int, ...]) -> set[int]:
    children: dict[int, list[int]] = {}
    for pid, fields in _stats().items():
        children.setdefault(int(fields[1]), []).append(pid)
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        found.add(pid)
        todo += children.get(pid, [])
    return found


def _pss_kib(pid: int) -> int:
    rollup = _lines(f"{pid}/smaps_rollup")
    return next((int(line.split()[1]) for line in rollup if line.startswith("Pss:")), 0)


def _lines(name: str) -> list[str]:
    return (_PROC / name).read_text().splitlines()

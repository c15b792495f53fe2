"""Discovery: finding and loading 2, 50 and 200 plugin distributions, beside only reading everybody's entry points."""

import asyncio
import importlib.metadata
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Final

from benchmarks import dists
from benchmarks.figures import Figure, alone, compared
from benchmarks.harness import Options
from benchmarks.processes import Process
from pideai_host import telemetry
from pideai_host.plugins import catalog
from pideai_host.plugins.registry import load_registry

SIZES: Final = (2, 50, 200)


async def run(options: Options) -> list[Figure]:
    """Measure discovery; each time in a process of its own, as a host that starts does it."""
    figures = []
    for size in SIZES:
        with tempfile.TemporaryDirectory(prefix="pideai-benchmarks-") as folder:
            await asyncio.to_thread(dists.make, Path(folder), dists.numbered(size))
            _unmeasured, *timed = [
                [await _ms(what, Path(folder)) for what in MEASURES] for _ in range(options.rounds + 1)
            ]
        found, loaded, baseline = zip(*timed, strict=True)
        figures += [
            compared(f"discovery.find.{size}", "ms", found, baseline),
            alone(f"discovery.load.{size}", "ms", loaded),
        ]
    return figures


MEASURES: Final = ("find", "load", "entry_points")


async def _ms(what: str, folder: Path) -> float:
    environ = {
        "PYTHONPATH": dists.path_with(folder),
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    async with Process("-m", "benchmarks.discovery", what, environ=environ, log=folder / "log") as process:
        return float(await process.line())


def _measure(what: str) -> float:
    began_s = perf_counter()
    match what:
        case "find":
            count = len(catalog.find().candidates)
        case "load":
            count = len(load_registry().definitions)
        case _:
            count = len(importlib.metadata.entry_points(group="pideai.plugins"))
    seconds = perf_counter() - began_s
    if not count:
        raise RuntimeError("no plugin was found")
    return seconds * 1_000


if __name__ == "__main__":
    telemetry.set_up(level="warning", log_format="json")
    print(_measure(sys.argv[1]), flush=True)

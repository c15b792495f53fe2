"""`uv run python -m benchmarks.explain [--write docs/explain.md]`."""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console

from benchmarks.explain import page, tour
from benchmarks.explain.plans import Plan
from benchmarks.fill.aged import age
from benchmarks.fill.sizes import Sizes
from benchmarks.harness import Options, open_bench
from pideai_host import telemetry


def main() -> None:
    """Fill, explain, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explain", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the plans into this page")
    parser.add_argument("--scale", type=float, default=1.0, help="size of what is filled in, to try things out")
    arguments = parser.parse_args()
    telemetry.set_up(level="warning", log_format="console")
    sizes = Sizes().scaled(arguments.scale)
    small, large = asyncio.run(_explain(sizes))
    if arguments.write is None:
        print("\n\n".join(page.parts(small, large, sizes).values()))
    else:
        page.write(arguments.write, small, large, sizes)


async def _explain(sizes: Sizes) -> tuple[Mapping[str, Plan], Mapping[str, Plan]]:
    say = Console(stderr=True).print
    nothing = msgspec.structs.replace(sizes.scaled(0.0), plugins_each=sizes.plugins_each)
    async with open_bench(Options()) as bench:
        found: list[Mapping[str, Plan]] = []
        for name, size in (("small", nothing), ("large", sizes)):
            async with bench.copy(name) as place:
                say(f"{name}: filling …")
                aged = await age(bench, place, size)
                say(f"{name}: explaining …")
                found.append(await tour.plans(bench, aged))
    small, large = found
    return small, large


if __name__ == "__main__":
    main()

"""`uv run python -m benchmarks [--only NAME,…] [--json FILE]`."""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import call, cost, delivery, discovery, fair, flat, hook, identity, intake, page, start, trace, whatsapp
from benchmarks.figures import Figure, table, to_json
from benchmarks.fill.sizes import Sizes
from benchmarks.harness import Bench, Options, open_bench
from benchmarks.machine import describe
from benchmarks.peers import beside
from pideai_host import telemetry

WITH_DATABASE: Final[dict[str, Callable[[Bench], Awaitable[list[Figure]]]]] = {
    "intake": intake.run,
    "delivery": delivery.run,
    "cost": cost.run,
    "flat": flat.run,
    "fair": fair.run,
    "whatsapp": whatsapp.run,
    "peers": beside.run,
    "identity": identity.run,
    "start": start.run,
}
PIPED_WIDTH: Final = 160
ALONE: Final[dict[str, Callable[[Options], Awaitable[list[Figure]]]]] = {
    "hook": hook.run,
    "call": call.run,
    "discovery": discovery.run,
    "trace": trace.run,
}


def main() -> None:
    """Run what was asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [*WITH_DATABASE, *ALONE]
    parser.add_argument("--only", default=",".join(names), help=f"some of {', '.join(names)}, with commas between")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--rounds", type=int, default=Options().rounds, help="times that both sides take turns")
    parser.add_argument("--seconds", type=float, default=Options().seconds, help="measured time of one round of intake")
    parser.add_argument("--backlog", type=int, default=Options().backlog, help="deliveries of one round of delivery")
    parser.add_argument("--fair", type=float, default=Options().fair_s, help="seconds of one round of fair")
    parser.add_argument("--peers", type=Path, help="folder with nest-bullmq, for the benchmark peers")
    parser.add_argument("--peers-env", type=Path, help="folder where it is built and kept")
    parser.add_argument("--scale", type=float, default=1.0, help="size of what is filled in, to try things out")
    parser.add_argument("--page", type=Path, help="write the tables of this page (docs/benchmarks.md)")
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    if unknown := set(wanted) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    telemetry.set_up(level="warning", log_format="console")
    options = Options(
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        backlog=arguments.backlog,
        fair_s=arguments.fair,
        peers=arguments.peers,
        peers_env=arguments.peers_env,
        sizes=Sizes().scaled(arguments.scale),
    )
    figures, failed = asyncio.run(_run(wanted, options))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table(figures, title=describe()))
    if arguments.json is not None:
        arguments.json.write_bytes(to_json(figures))
    if arguments.page is not None:
        page.write(arguments.page, figures, about(options))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def about(options: Options) -> str:
    """Say on what and how much was measured."""
    return (
        f"{describe()}, Linux, the embedded PostgreSQL. {options.rounds} rounds; {options.seconds:g} s of intake and "
        f"{options.backlog:,} deliveries in each."
    )


async def _run(wanted: list[str], options: Options) -> tuple[list[Figure], list[str]]:
    """Run one after the other; one that fails costs itself alone. Returns the figures, and who failed."""
    figures: list[Figure] = []
    failed: list[str] = []

    async def run(name: str, benchmark: Awaitable[list[Figure]]) -> None:
        say = Console(stderr=True).print
        say(f"{name} …")
        try:
            figures.extend(await benchmark)
        except Exception as error:  # noqa: BLE001 - half an hour of the others' figures must not be lost
            say(f"{name} failed: {type(error).__name__} {error}", markup=False)
            failed.append(name)

    for name in (name for name in wanted if name in ALONE):
        await run(name, ALONE[name](options))
    databased = [name for name in wanted if name in WITH_DATABASE]
    if databased:
        async with open_bench(options) as bench:
            for name in databased:
                await run(name, WITH_DATABASE[name](bench))
    return figures, failed


if __name__ == "__main__":
    main()

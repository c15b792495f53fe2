"""The jobs that plugins contribute: asked for once, checked, each plugin's apart."""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from pideai_host.api import PluginFault, PluginJob
from pideai_host.plugins.contributed import contributed
from pideai_host.plugins.records import Phase
from pideai_host.plugins.refusals import Refusals
from pideai_host.plugins.registry import Registry

JOBS_MAX: Final = 20
"""Of one plugin."""

INTERVAL_MIN_S: Final = 1.0
INTERVAL_MAX_S: Final = 31 * 86_400.0
TIMEOUT_MAX_S: Final = 600.0

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_NAME_MAX_CHARS: Final = 40


class Jobs(msgspec.Struct, frozen=True):
    """Slug -> its jobs, and the registry with a record of each refusal."""

    of_plugin: Mapping[str, tuple[PluginJob, ...]]
    registry: Registry


def collect_jobs(registry: Registry) -> Jobs:
    """Ask all loaded plugins for their jobs; blocking, never raises. One whose jobs do not fit goes on without them."""
    found: dict[str, tuple[PluginJob, ...]] = {}
    refusals = Refusals(Phase.JOBS)
    for hook in registry.hooks("jobs"):
        with refusals.caught(hook.slug):
            found[hook.slug] = checked_jobs(hook.slug, contributed(hook))
    return Jobs(found, refusals.noted(registry))


def checked_jobs(slug: str, jobs: Any) -> tuple[PluginJob, ...]:
    """Return the jobs of a plugin.

    Raises:
        PluginFault: they are none that can be run; the message says what to do.
    """
    if not isinstance(jobs, list | tuple) or not all(isinstance(one, PluginJob) for one in jobs):
        raise PluginFault(f"{slug}: jobs returns a list of PluginJob, and nothing else", slug=slug)
    faults = [*_faults_of_all(jobs), *(fault for one in jobs for fault in _faults(one))]
    if faults:
        raise PluginFault(f"{slug}: " + "; ".join(faults), slug=slug)
    return tuple(jobs)


def _faults_of_all(jobs: "list[PluginJob] | tuple[PluginJob, ...]") -> Iterator[str]:
    if len(jobs) > JOBS_MAX:
        yield f"{len(jobs)} jobs; at most {JOBS_MAX} are run"
    names = [one.name for one in jobs]
    yield from (
        f"two jobs are named {name!r}" for name in sorted({one for one in names if names.count(one) > 1}, key=str)
    )


def _faults(job: PluginJob) -> Iterator[str]:
    name: Any = job.name
    if not isinstance(name, str) or len(name) > _NAME_MAX_CHARS or _NAME.fullmatch(name) is None:
        yield f"{str(name)[:_NAME_MAX_CHARS]!r} is no name for a job such as 'look_after_rides'"
    if not _lies_within(job.interval_s, INTERVAL_MIN_S, INTERVAL_MAX_S):
        yield f"{name}: interval_s is {INTERVAL_MIN_S:g} to {INTERVAL_MAX_S:g} seconds"
    if not _lies_within(job.timeout_s, 0.001, TIMEOUT_MAX_S):
        yield f"{name}: timeout_s is at most {TIMEOUT_MAX_S:g} seconds"
    if not inspect.iscoroutinefunction(inspect.unwrap(job.run)):
        yield f"{name}: run is an async def that takes the JobContext"


def _lies_within(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most

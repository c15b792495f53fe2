"""Jobs are checked plugin by plugin, and a plugin goes on without those that do not fit."""

import pytest

from pideai_host.api import PluginJob, hookimpl
from pideai_host.plugins.jobs import JOBS_MAX, collect_jobs
from pideai_host.plugins.registry import Registry


async def run(job):
    """Do nothing."""


def job(**fields):
    return PluginJob(**{"name": "look", "interval_s": 60.0, "run": run, **fields})


@pytest.fixture
def collect(make):
    """Collect the jobs of a plugin ``sample`` that contributes such a value."""

    def of(value):
        return collect_jobs(Registry.of({"sample": make(jobs=hookimpl(lambda self: value))}))

    return of


def test_jobs_are_collected_by_plugin(collect):
    assert list(collect([job(), job(name="tidy_up")]).of_plugin) == ["sample"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        "jobs",
        [run],
        [job(), job()],
        [job(name=f"job{n}") for n in range(JOBS_MAX + 1)],
        [job(name="Look")],
        [job(name="")],
        [job(name="x" * 41)],
        [job(name=3)],
        [job(interval_s=0.5)],
        [job(interval_s=float("nan"))],
        [job(interval_s="60")],
        [job(timeout_s=0.0)],
        [job(timeout_s=601.0)],
        [job(run=lambda job: None)],
        [job(run=None)],
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused(collect, value):
    assert collect(value).of_plugin == {}


def test_a_plugin_whose_jobs_are_refused_is_partial_with_the_reason(load):
    [broken, fine] = sorted(collect_jobs(load("jobs_wrong", "ok")).registry.records, key=lambda one: one.slug)

    assert (broken.slug, broken.status, broken.phase) == ("jobs-wrong", "partial", "jobs")
    assert broken.error == "its jobs are refused: jobs-wrong: look: run is an async def that takes the JobContext"
    assert fine.status == "ready"


def test_a_plugin_that_raises_keeps_nobody_elses_jobs_back(make, define):
    def jobs(self):
        raise RuntimeError("none today")

    plugins = {
        "sample": make(jobs=hookimpl(jobs)),
        "other": make(define(slug="other"), jobs=hookimpl(lambda self: [job()])),
    }

    assert list(collect_jobs(Registry.of(plugins)).of_plugin) == ["other"]

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
        pytest.param(None, id="nothing"),
        pytest.param("jobs", id="a string"),
        pytest.param([run], id="a bare function"),
        pytest.param([job(), job()], id="one name twice"),
        pytest.param([job(name=f"job{n}") for n in range(JOBS_MAX + 1)], id="too many"),
        pytest.param([job(name="Look")], id="a name in capitals"),
        pytest.param([job(name="")], id="no name"),
        pytest.param([job(name="x" * 41)], id="a long name"),
        pytest.param([job(name=3)], id="a number for a name"),
        pytest.param([job(interval_s=0.5)], id="twice a second"),
        pytest.param([job(interval_s=float("nan"))], id="an interval that is no number"),
        pytest.param([job(interval_s="60")], id="an interval in words"),
        pytest.param([job(timeout_s=0.0)], id="no time at all"),
        pytest.param([job(timeout_s=601.0)], id="too much time"),
        pytest.param([job(run=lambda job: None)], id="not async"),
        pytest.param([job(run=None)], id="nothing to run"),
    ],
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

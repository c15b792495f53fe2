"""The folder of the demo's logs outlives the demo only when there is something to read in it."""

import asyncio

import pytest

from pideai_host.demo.stage import logs_unless_well


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_nothing_is_left_when_all_went_well(temporary):
    with logs_unless_well(print) as folder:
        (folder / "serve.log").write_text("all is well")

    assert list(temporary.iterdir()) == []


def test_a_failure_leaves_the_logs_and_names_them():
    said = []
    with pytest.raises(RuntimeError), logs_unless_well(said.append) as folder:  # noqa: PT012 - what is kept is the point
        (folder / "serve.log").write_text("why")
        raise RuntimeError

    assert (folder / "serve.log").read_text() == "why"
    assert str(folder) in said[0]


@pytest.mark.parametrize("end", [KeyboardInterrupt, asyncio.CancelledError])
def test_one_that_is_stopped_by_its_user_leaves_nothing(temporary, end):
    with pytest.raises(end), logs_unless_well(print):
        raise end

    assert list(temporary.iterdir()) == []

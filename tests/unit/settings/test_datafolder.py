"""A folder is ours only while it holds our marker, which is put into new and empty ones alone."""

import os
import stat
from pathlib import Path

import pytest

from pideai_host.api.errors import ConfigurationError
from pideai_host.settings import datafolder


def test_new_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    datafolder.claim(tmp_path / "a" / "b")

    datafolder.require_ours(tmp_path / "a" / "b")


def test_empty_folder_becomes_ours(tmp_path: Path) -> None:
    datafolder.claim(tmp_path)

    datafolder.require_ours(tmp_path)


def test_claiming_again_changes_nothing(tmp_path: Path) -> None:
    datafolder.claim(tmp_path)
    (tmp_path / "data").touch()
    datafolder.claim(tmp_path)

    assert sorted(path.name for path in tmp_path.iterdir()) == [".pideai-host", "data"]


def test_folder_with_files_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(ConfigurationError, match="not ours"):
        datafolder.claim(tmp_path)


def test_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").touch()

    with pytest.raises(ConfigurationError, match="cannot use the data folder"):
        datafolder.claim(tmp_path / "data")


def test_folder_without_marker_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing was removed"):
        datafolder.require_ours(tmp_path)


@pytest.mark.parametrize(("uid", "mode"), [(0, 0o711), (1000, 0o700)], ids=["root", "user"])
def test_others_may_pass_through_roots_folder_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, mode: int
) -> None:
    """As root the database runs as another user, who must get to its own folder within."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    datafolder.claim(tmp_path / "data")

    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == mode

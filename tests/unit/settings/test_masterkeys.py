"""An embedded host makes its own key once; whoever brings a database brings the keys."""

import stat
from pathlib import Path

import pytest

from pideai_host.api.errors import ConfigurationError
from pideai_host.settings import Settings, ensure_master_keys


def embedded(folder: Path) -> Settings:
    return Settings(data_dir=folder)


def test_a_key_of_32_bytes_is_made(tmp_path: Path) -> None:
    ((kid, key),) = ensure_master_keys(embedded(tmp_path / "data")).master_keys

    assert (kid, len(key)) == ("k1", 32)


def test_the_key_is_the_same_ever_after(tmp_path: Path) -> None:
    first = ensure_master_keys(embedded(tmp_path / "data"))

    assert ensure_master_keys(embedded(tmp_path / "data")) == first


def test_only_the_owner_may_read_the_key(tmp_path: Path) -> None:
    ensure_master_keys(embedded(tmp_path / "data"))

    assert stat.S_IMODE((tmp_path / "data" / "master_keys").stat().st_mode) == 0o600


def test_no_other_file_is_left(tmp_path: Path) -> None:
    ensure_master_keys(embedded(tmp_path / "data"))

    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == [".pideai-host", "master_keys"]


def test_keys_of_the_environment_come_first(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", master_keys=(("mine", b"x" * 32),))

    assert ensure_master_keys(settings) is settings
    assert not (tmp_path / "data").exists()


def test_keys_are_not_made_for_an_own_database(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", embedded=False, database_url="postgresql://h/d")

    with pytest.raises(ConfigurationError, match="PIDEAI_MASTER_KEYS is not set"):
        ensure_master_keys(settings)


@pytest.mark.parametrize("content", [b"", b"k1:nonsense\n", b"\xff\xfe"], ids=["empty", "not a key", "not text"])
def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    ensure_master_keys(embedded(tmp_path / "data"))
    path = tmp_path / "data" / "master_keys"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="master_keys"):
        ensure_master_keys(embedded(tmp_path / "data"))

    assert path.read_bytes() == content


def test_no_key_is_put_into_a_folder_of_others(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(ConfigurationError, match="not ours"):
        ensure_master_keys(embedded(tmp_path))

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

"""The embedded server is a durable server of our own: it starts anywhere, is shared, and leaves nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pideai_host.api.errors import ConfigurationError, DatabaseUnavailable
from pideai_host.db.embedded import EmbeddedServer, binaries
from pideai_host.db.embedded.account import server_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")

_PROGRAMS = os.environ.get("PIDEAI_TEST_PG_BIN")
_FAST = {"fsync": "off"}
_HOST = """
import sys
from pathlib import Path
from pideai_host.db.embedded import EmbeddedServer

programs = Path(sys.argv[2]) if sys.argv[2] else None
with EmbeddedServer(Path(sys.argv[1]), bin_dir=programs, options={"fsync": "off"}) as server:
    print(server.urls.admin, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def data_dir(open_dir: Path) -> Iterator[Path]:
    folder = open_dir / "data"
    yield folder
    if (folder / ".pideai-host").exists():
        a_server(folder).wipe()


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A running server for tests that only look at it, and its folder."""
    home = Path(tempfile.mkdtemp(prefix="pideai-test-"))
    home.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIDEAI_MASTER_KEYS", "k1:hidden")
        with a_server(home / "data") as server:
            yield server, home / "data"
    shutil.rmtree(home)


def a_server(data_dir: Path, **options: str) -> EmbeddedServer:
    return EmbeddedServer(data_dir, bin_dir=Path(_PROGRAMS) if _PROGRAMS else None, options={**_FAST, **options})


class OtherHost:
    """Another process that uses the same folder."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOST, str(data_dir), _PROGRAMS or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def url(self) -> str:
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        self.process.communicate(timeout=60)
        return self.process.returncode

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=60)


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    return row[0]


def tell(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def runs(data_dir: Path) -> bool:
    return any(data_dir.glob("pg*/postmaster.pid"))


def postmaster(data_dir: Path) -> int:
    return int(next(data_dir.glob("pg*/postmaster.pid")).read_text().splitlines()[0])


def test_database_is_there_after_the_first_start(shared: tuple[EmbeddedServer, Path]) -> None:
    assert ask(shared[0].urls.admin, "select current_database()") == "pideai"


def test_text_and_time_are_as_in_production(shared: tuple[EmbeddedServer, Path]) -> None:
    told = ask(shared[0].urls.admin, "select getdatabaseencoding() || current_setting('timezone') || lower('ÑANDÚ')")

    assert told == "UTF8UTCñandú"


def test_commits_are_flushed_to_disk(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, bin_dir=Path(_PROGRAMS) if _PROGRAMS else None) as server:
        assert ask(server.urls.admin, "select current_setting('fsync')") == "on"


def test_nothing_listens_on_the_network(shared: tuple[EmbeddedServer, Path]) -> None:
    assert ask(shared[0].urls.admin, "select current_setting('listen_addresses')") == ""


def test_the_socket_is_closed_to_other_users(shared: tuple[EmbeddedServer, Path]) -> None:
    with psycopg.connect(shared[0].urls.admin) as connection:
        folder = Path(connection.info.host)

    assert folder.stat().st_mode & 0o077 == 0


@as_root
def test_the_server_of_root_is_not_root(shared: tuple[EmbeddedServer, Path]) -> None:
    assert Path(f"/proc/{postmaster(shared[1])}").stat().st_uid != 0


def test_the_server_does_not_see_our_environment(shared: tuple[EmbeddedServer, Path]) -> None:
    assert b"PIDEAI" not in Path(f"/proc/{postmaster(shared[1])}/environ").read_bytes()


def test_data_is_kept_from_start_to_start(data_dir: Path) -> None:
    with a_server(data_dir) as server:
        tell(server.urls.admin, "create table kept as select 42 as n")

    with a_server(data_dir) as server:
        assert ask(server.urls.admin, "select n from kept") == 42


def test_nothing_runs_after_stop(data_dir: Path) -> None:
    with a_server(data_dir):
        pass

    assert not runs(data_dir)


def test_stop_does_not_wait_for_open_sessions(data_dir: Path) -> None:
    server = a_server(data_dir)
    connection = psycopg.connect(server.start().admin)
    connection.execute("select 1")

    server.stop()

    assert not runs(data_dir)
    connection.close()


def test_start_and_stop_may_be_repeated(data_dir: Path) -> None:
    server = a_server(data_dir)

    assert server.start() == server.start()
    server.stop()
    server.stop()


def test_urls_of_a_stopped_server_are_refused(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="not started"):
        _ = a_server(data_dir).urls


def test_orphan_of_a_killed_host_is_replaced_and_its_data_kept(data_dir: Path) -> None:
    other = OtherHost(data_dir)
    tell(other.url(), "create table kept as select 42 as n")
    orphan = postmaster(data_dir)
    other.kill()

    with a_server(data_dir) as server:
        assert postmaster(data_dir) != orphan
        assert ask(server.urls.admin, "select n from kept") == 42


def test_second_host_joins_the_running_server(data_dir: Path) -> None:
    with a_server(data_dir) as first, a_server(data_dir) as second:
        assert second.urls == first.urls


def test_second_host_leaves_the_server_running(data_dir: Path) -> None:
    other = OtherHost(data_dir)
    url = other.url()

    with a_server(data_dir):
        pass

    assert ask(url, "select 1") == 1
    assert other.end() == 0


def test_the_last_host_stops_the_server_of_the_first(data_dir: Path) -> None:
    first = a_server(data_dir)
    first.start()
    other = OtherHost(data_dir)
    url = other.url()
    first.stop()

    assert ask(url, "select 1") == 1
    assert other.end() == 0
    assert not runs(data_dir)


def test_two_hosts_may_start_at_once_on_a_new_folder(data_dir: Path) -> None:
    hosts = [OtherHost(data_dir), OtherHost(data_dir)]
    answers = [ask(host.url(), "select current_database()") for host in hosts]

    assert answers == ["pideai", "pideai"]
    assert [host.end() for host in hosts] == [0, 0]
    assert not runs(data_dir)


def test_half_made_data_is_made_anew(data_dir: Path) -> None:
    with a_server(data_dir):
        pass
    whole = next(data_dir.glob("pg[0-9][0-9]"))
    whole.rename(whole.with_name(f"{whole.name}.new"))

    with a_server(data_dir) as server:
        assert ask(server.urls.admin, "select 1") == 1


def test_pid_file_of_a_server_that_is_gone_is_not_believed(data_dir: Path) -> None:
    """After a power cut or in a new container its number may belong to any program of the same user."""
    with a_server(data_dir):
        pass
    pgdata = next(data_dir.glob("pg[0-9][0-9]"))
    account = server_account(pgdata)
    stranger = subprocess.Popen(["sleep", "100"], cwd="/", user=account.uid if account else None)
    (pgdata / "postmaster.pid").write_text(f"{stranger.pid}\n{pgdata}\n1\n5432\n{data_dir}/run\n\n")

    try:
        with a_server(data_dir) as server:
            assert ask(server.urls.admin, "select 1") == 1
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_long_path_is_no_obstacle(open_dir: Path) -> None:
    """A socket's path may have 107 bytes; ours then goes elsewhere, and goes away with the server."""
    deep = open_dir / ("d" * 100) / "data"
    server = a_server(deep)
    server.start()
    with psycopg.connect(server.urls.admin) as connection:
        socket_dir = Path(connection.info.host)
    server.stop()

    assert not socket_dir.exists()


def test_quotes_and_spaces_in_the_path_are_no_obstacle(open_dir: Path) -> None:
    with a_server(open_dir / """it's $HOME, "x" `y`""") as server:
        assert ask(server.urls.admin, "select 1") == 1


def test_failed_start_says_why_and_leaves_nothing_running(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="shared_buffers") as caught:
        a_server(data_dir, shared_buffers="nonsense").start()

    assert "\n" not in caught.value.message
    assert not runs(data_dir)


def test_start_works_after_a_failed_one(data_dir: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        a_server(data_dir, shared_buffers="nonsense").start()

    with a_server(data_dir) as server:
        assert ask(server.urls.admin, "select 1") == 1


@pytest.mark.parametrize("folder", ["file/data", "/proc/pideai"], ids=["below a file", "in a read-only tree"])
def test_folder_that_cannot_be_written_is_named(open_dir: Path, folder: str) -> None:
    (open_dir / "file").touch()

    with pytest.raises(ConfigurationError, match="cannot use the data folder") as caught:
        a_server(open_dir / folder).start()

    assert "PIDEAI_DATA_DIR" in caught.value.hint


@as_root
def test_folder_that_the_servers_user_cannot_enter_is_named(open_dir: Path) -> None:
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(ConfigurationError, match="cannot enter") as caught:
        a_server(closed / "data").start()

    assert "/var/lib/pideai-host" in caught.value.hint
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_in_a_closed_folder_are_copied(
    data_dir: Path, open_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment below /root is the usual case."""
    closed = open_dir / "closed"
    closed.mkdir(mode=0o700)
    wheel = binaries.wheel_programs().parents[1]
    for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
        (closed / part.name).symlink_to(part)
    monkeypatch.setattr(binaries, "wheel_programs", lambda: closed / wheel.name / "pginstall18" / "bin")

    with EmbeddedServer(data_dir, options=_FAST) as server:
        assert ask(server.urls.admin, "select 1") == 1
    assert (data_dir / "runtime").is_dir()


def test_folder_with_files_of_others_is_refused(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "thesis.txt").write_text("mine")

    with pytest.raises(ConfigurationError, match="not ours"):
        a_server(data_dir).start()


def test_wipe_removes_the_data(data_dir: Path) -> None:
    server = a_server(data_dir)
    with server:
        tell(server.urls.admin, "create table gone ()")
    server.wipe()

    with server:
        assert ask(server.urls.admin, "select to_regclass('gone')") is None


def test_wipe_stops_an_orphan(data_dir: Path) -> None:
    other = OtherHost(data_dir)
    other.url()
    other.kill()

    a_server(data_dir).wipe()

    assert not list(data_dir.glob("pg*"))


def test_wipe_refuses_while_another_host_runs(data_dir: Path) -> None:
    with a_server(data_dir) as running:
        with pytest.raises(ConfigurationError, match="in use"):
            a_server(data_dir).wipe()

        assert ask(running.urls.admin, "select 1") == 1


def test_wipe_refuses_a_folder_that_is_not_ours(data_dir: Path) -> None:
    data_dir.mkdir()
    (data_dir / "pg18").mkdir()

    with pytest.raises(ConfigurationError, match="not a data folder"):
        a_server(data_dir).wipe()

    assert (data_dir / "pg18").exists()


def test_wipe_leaves_what_it_did_not_make(data_dir: Path) -> None:
    with a_server(data_dir):
        (data_dir / "master_keys").write_text("k1:x")
    a_server(data_dir).wipe()

    assert (data_dir / "master_keys").exists()


def test_wipe_of_a_folder_that_does_not_exist_does_nothing(data_dir: Path) -> None:
    a_server(data_dir).wipe()

    assert not data_dir.exists()


def test_other_folders_keep_their_modes(open_dir: Path) -> None:
    above = open_dir / "above"
    above.mkdir(mode=0o755)

    with a_server(above / "data"):
        assert above.stat().st_mode & 0o777 == 0o755
    shutil.rmtree(above)

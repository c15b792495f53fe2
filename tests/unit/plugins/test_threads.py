import threading

import pytest

from pideai_host.plugins.threads import DaemonPool


@pytest.fixture
def pool():
    pool = DaemonPool("test", 2)
    yield pool
    pool.close()


def test_a_call_gives_its_result(pool):
    assert pool.submit(lambda: 7).result(timeout=10) == 7


def test_whatever_a_call_raises_is_the_futures(pool):
    def leave():
        raise SystemExit(1)

    assert isinstance(pool.submit(leave).exception(timeout=10), SystemExit)


def test_threads_never_keep_the_process_alive(pool):
    assert pool.submit(lambda: threading.current_thread().daemon).result(timeout=10) is True


def test_a_thread_is_used_again(pool):
    first = pool.submit(threading.get_ident).result(timeout=10)
    barrier = threading.Barrier(2)
    both = [pool.submit(lambda: (barrier.wait(), threading.get_ident())[1]) for _ in range(2)]

    assert first in {one.result(timeout=10) for one in both}


def test_no_more_threads_run_than_the_pool_has(pool):
    gate = threading.Event()
    taken = [pool.submit(gate.wait) for _ in range(2)]

    waiting = pool.submit(lambda: None)

    assert waiting.cancel()  # it had not begun
    gate.set()
    assert [one.result(timeout=10) for one in taken] == [True, True]


def test_what_waits_its_turn_runs_when_a_thread_is_free(pool):
    gate = threading.Event()
    taken = [pool.submit(gate.wait) for _ in range(2)]
    waiting = pool.submit(lambda: "ran")

    gate.set()

    assert ([one.result(timeout=10) for one in taken], waiting.result(timeout=10)) == ([True, True], "ran")


def test_a_cancelled_call_never_runs(pool):
    gate = threading.Event()
    ran: list[str] = []
    for _ in range(2):
        pool.submit(gate.wait)
    waiting = pool.submit(lambda: ran.append("ran"))
    waiting.cancel()
    gate.set()

    pool.submit(lambda: None).result(timeout=10)

    assert ran == []


def test_a_closed_pool_ends_its_threads():
    pool = DaemonPool("test", 1)
    thread = pool.submit(threading.current_thread).result(timeout=10)

    pool.close()

    thread.join(timeout=10)
    assert not thread.is_alive()

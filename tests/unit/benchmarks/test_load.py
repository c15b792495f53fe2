"""What the benchmarks' client sends and reads."""

from uuid import uuid4

import pytest
from benchmarks.load import Load, answer_size


def test_stores_take_turns_and_every_order_has_an_id_of_its_own():
    first, second = uuid4(), uuid4()
    load = Load([first, second], "secret", warm_up_s=0.0, seconds=1.0)
    requests = [load.request() for _ in range(4)]

    assert len(set(requests)) == 4
    assert [str(first).encode() in one for one in requests] == [True, False, True, False]
    assert [str(second).encode() in one for one in requests] == [False, True, False, True]


@pytest.mark.parametrize(
    ("received", "size"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Le", None),
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok", 46),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 27),
    ],
)
def test_an_answer_is_as_long_as_its_head_says(received, size):
    assert answer_size(received) == size

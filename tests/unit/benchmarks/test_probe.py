"""What a quiet store says of its orders."""

import pytest
from benchmarks.probe import Receiver, summed_up


def test_an_order_counts_from_when_it_was_due_to_its_first_arrival():
    due_s = [(b"a", 1.0), (b"b", 2.0), (b"c", 3.0)]
    seen = summed_up(due_s, set(), {b"a": 1.01, b"b": 2.02, b"c": 3.5})
    assert (seen.refused, seen.missing) == (0, 0)
    assert (seen.p50_ms, seen.p99_ms) == (pytest.approx(20.0), pytest.approx(500.0))


def test_an_order_that_never_arrives_is_later_than_all_others_and_said_to_be_missing():
    seen = summed_up([(b"a", 1.0), (b"b", 1.0)], set(), {b"a": 1.1})
    assert (seen.missing, seen.p99_ms) == (1, float("inf"))


def test_an_order_that_was_refused_is_not_expected():
    seen = summed_up([(b"a", 1.0), (b"b", 1.0)], {b"b"}, {b"a": 1.1})
    assert (seen.refused, seen.missing, seen.p99_ms) == (1, 0, pytest.approx(100.0))


def test_an_order_is_known_by_its_id_in_the_body():
    order = b"00000000-0000-4000-8000-00000000000a"
    Receiver().take(b"post /hook http/1.1\r\nwebhook-id: x", b'{"data":{"orderId":"' + order + b'"}}')
    assert order in Receiver.arrived_s

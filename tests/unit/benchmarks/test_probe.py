"""What a quiet store says of its orders."""

import pytest
from benchmarks.phone import MARK, Phone, number_of
from benchmarks.probe import Arrivals, Receiver, summed_up


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


def test_an_order_is_known_by_its_number_in_its_message():
    order = b"0000000f-0000-4000-8000-00000000000a"
    answer = Phone().take(b"", f'{{"number":"58","text":"tu pedido {MARK}0000000F. Total"}}'.encode())
    assert number_of(order) in Phone.arrived_s
    assert b'"id":"3EB0' in answer
    assert Arrivals(by_phone=True).of([order]).keys() == {order}


def test_a_second_message_of_an_order_is_counted_and_moves_no_time():
    body = f"{MARK}0000001F".encode()
    Phone().take(b"", body)
    first = Phone.arrived_s[b"0000001F"]
    Phone().take(b"", body)
    assert (Phone.again, Phone.arrived_s[b"0000001F"]) == ([b"0000001F"], first)

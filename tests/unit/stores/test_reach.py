"""An owner hears at once that an address cannot be reached."""

from ipaddress import ip_network

import pytest

from pideai_host.stores.reach import unreachable_fault

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest",
        "http://127.0.0.1:8000/hook",
        "http://localhost/hook",
        "https://shop.localhost/hook",
        "https://[::1]/hook",
        "https://[::ffff:127.0.0.1]/hook",
        "https://10.0.0.1/hook",
        "https://0x7f.1/hook",
        "https://2130706433/hook",
        "https://localhost./hook",
    ],
)
def test_what_the_guard_would_refuse_for_certain_is_refused_at_once(url):
    assert unreachable_fault(url, ()) is not None


@pytest.mark.parametrize("url", ["https://example.com/hook", "https://1.1.1.1/hook", "https://localhost.example.com"])
def test_what_may_be_reached_is_left_to_time(url):
    assert unreachable_fault(url, ()) is None


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/hook", "http://localhost/hook"])
def test_what_the_operator_allows_is_allowed(url):
    assert unreachable_fault(url, LOOPBACK) is None

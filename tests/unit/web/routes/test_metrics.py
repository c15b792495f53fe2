"""The metrics are for whoever has the token, or for this machine where there is none."""

from types import SimpleNamespace

import pytest
from litestar.exceptions import NotFoundException

from pideai_host.telemetry import REGISTRY, exposition
from pideai_host.telemetry.pools import note_pools
from pideai_host.web.claims import TokenInvalid, Unauthenticated
from pideai_host.web.routes.metrics import require_reader

TOKENS = (b"0123456789abcdef", b"fedcba9876543210")


def ask(*, tokens=(), peer="127.0.0.1", **headers):
    """Say in a word who is let in."""
    scope = {
        "client": peer and (peer, 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    try:
        require_reader(scope, SimpleNamespace(metrics_tokens=tokens))
    except TokenInvalid:
        return "wrong token"
    except Unauthenticated:
        return "no token"
    except NotFoundException:
        return "nothing here"
    return "in"


@pytest.mark.parametrize("token", TOKENS)
def test_each_token_lets_in_from_anywhere(token):
    assert ask(tokens=TOKENS, peer="190.1.1.1", authorization=f"Bearer {token.decode()}") == "in"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic x"}])
def test_without_a_token_nobody_gets_in_where_one_is_set(headers):
    assert ask(tokens=TOKENS, **headers) == "no token"


def test_another_token_does_not_let_in():
    assert ask(tokens=TOKENS, authorization="Bearer 0123456789abcdee") == "wrong token"


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1"])
def test_where_none_is_set_this_machine_gets_in(peer):
    assert ask(peer=peer) == "in"


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("10.0.0.1", {}),
        (None, {}),
        ("a-socket", {}),
        ("127.0.0.1", {"x_forwarded_for": "127.0.0.1"}),
        ("127.0.0.1", {"forwarded": "for=1.1.1.1"}),
    ],
)
def test_where_none_is_set_nobody_else_does(peer, headers):
    assert ask(peer=peer, **headers) == "nothing here"


def test_pools_tell_who_waits():
    pool = SimpleNamespace(name="a-pool", get_stats=lambda: {"pool_size": 4, "requests_wait_ms": 1_500})

    note_pools([pool])

    assert b'pideai_pool_wait_seconds{pool="a-pool"} 1.5' in exposition()
    assert b'pideai_pool_connections{pool="a-pool"} 4.0' in exposition()


def test_requests_are_counted_by_route_and_status(client_of):
    client = client_of()
    client.get("/health/live")
    client.get("/nowhere/at/all")

    told = exposition()
    assert b'pideai_http_requests_total{method="GET",route="/health/live",status="200"}' in told
    assert b'route="none",status="404"' in told
    assert b"/nowhere" not in told


def _value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_how_long_an_answer_took_is_told_by_its_route_and_nothing_is_left_in_flight(client_of):
    before = _value("pideai_http_seconds_count", method="GET", route="/health/live")
    client = client_of()
    client.get("/health/live")
    client.get("/nowhere/at/all")

    assert _value("pideai_http_seconds_count", method="GET", route="/health/live") == before + 1
    assert _value("pideai_http_in_flight", route="/health/live") == 0.0
    assert _value("pideai_http_seconds_count", method="GET", route="none") == 0.0


def test_pools_tell_how_much_of_them_is_used():
    note_pools(
        [SimpleNamespace(name="b-pool", get_stats=lambda: {"pool_size": 4, "pool_available": 1, "pool_max": 10})]
    )

    assert (_value("pideai_pool_idle", pool="b-pool"), _value("pideai_pool_max", pool="b-pool")) == (1.0, 10.0)

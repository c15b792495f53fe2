"""The host's routes with stand-ins for what lies behind them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from pideai_host.web.headers import count_answer
from pideai_host.web.measured import Measured, end_of_wait
from pideai_host.web.openapi import openapi_config
from pideai_host.web.problems import to_response
from pideai_host.web.requests import add_request_id
from pideai_host.web.routes import routes
from pideai_host.web.state import STATE_KEY, HostState

PARTS = (
    "door",
    "verifier",
    "access",
    "catalogue",
    "installations",
    "lifecycle",
    "breakers",
    "credits",
    "delivery_log",
    "replays",
    "replay_ranges",
    "store_calls",
    "outbox",
    "provider_webhooks",
    "audit",
    "operator",
    "try_out",
    "notices",
    "live",
    "readiness",
)


@pytest.fixture
def client_of() -> Iterator[Callable[..., TestClient[Litestar]]]:
    """Give a client of the host's routes; parts that are not named must not be touched."""
    with ExitStack() as stack:

        def build(
            *,
            webhook_secrets: tuple[bytes, ...] = (),
            behind: Callable[[Litestar], Any] = lambda app: app,
            **parts: Any,
        ) -> TestClient[Litestar]:
            host = HostState(
                webhook_secrets=webhook_secrets,
                plan=parts.get("plan"),
                **{name: parts.get(name) for name in PARTS},
            )
            app = Litestar(
                routes(),
                exception_handlers={Exception: to_response},
                before_send=[add_request_id, count_answer, end_of_wait],
                middleware=[Measured()],
                openapi_config=openapi_config("0"),
                logging_config=None,
                state=State({STATE_KEY: host}),
            )
            return stack.enter_context(TestClient(behind(app), raise_server_exceptions=False))

        yield build

"""The other side of the bridge: a developer's server that takes webhooks and checks each signature.

The judge is the independent `standardwebhooks` library, not code of ours. The first delivery of one type is turned
away twice, so that a retry is seen. It also serves the demo's JWKS, as Supabase Auth would.
"""

import json
from collections import Counter
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web

from pideai_host.api import ConfigurationError

REFUSALS = 2


class Received(msgspec.Struct, frozen=True):
    """One webhook as it arrived.

    Attributes:
        verified: Whether the independent library accepted signature and timestamp.
        status: What the receiver answered.
    """

    id: str
    type: str
    order_id: str | None
    verified: bool
    status: int


class Receiver:
    """A real HTTP server on loopback; used as an async context.

    Args:
        secret: The webhook secret, ``whsec_…``.
        jwks: What ``/jwks.json`` answers.
        refuse_type: The event type whose first delivery is answered 503 `REFUSALS` times.
    """

    def __init__(self, *, secret: str, jwks: Mapping[str, Any], refuse_type: str) -> None:
        self._verify = _independent_verifier(secret)
        self._jwks = dict(jwks)
        self._refuse_type = refuse_type
        self._attempts: Counter[str] = Counter()
        self._refused_id: str | None = None
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.received: list[Received] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        app.router.add_get("/jwks.json", self._serve_jwks)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def hook_url(self) -> str:
        """Where webhooks go."""
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def jwks_url(self) -> str:
        """Where the keys are."""
        return f"http://127.0.0.1:{self.port}/jwks.json"

    async def _serve_jwks(self, _: web.Request) -> web.Response:
        return web.json_response(self._jwks)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        verified = self._verify(body, dict(request.headers))
        told = json.loads(body)
        webhook_id = request.headers.get("webhook-id", "")
        status = self._status(webhook_id, told["type"]) if verified else 401
        order_id = told.get("data", {}).get("orderId")
        self.received.append(Received(webhook_id, told["type"], order_id, verified, status))
        return web.json_response({"received": status == web.HTTPOk.status_code}, status=status)

    def _status(self, webhook_id: str, event_type: str) -> int:
        self._attempts[webhook_id] += 1
        if event_type == self._refuse_type and self._refused_id is None:
            self._refused_id = webhook_id
        if webhook_id == self._refused_id and self._attempts[webhook_id] <= REFUSALS:
            return web.HTTPServiceUnavailable.status_code
        return web.HTTPOk.status_code


def _independent_verifier(secret: str) -> Any:
    try:
        from standardwebhooks.webhooks import Webhook, WebhookVerificationError  # noqa: PLC0415 - a development tool
    except ImportError as error:
        raise ConfigurationError(
            "the demo needs the package standardwebhooks, the independent judge of its signatures",
            hint="Run the demo from a checkout with `uv run pideai-host demo`.",
        ) from error
    webhook = Webhook(secret)

    def verify(body: bytes, headers: dict[str, str]) -> bool:
        try:
            webhook.verify(body, {name.lower(): value for name, value in headers.items()})
        except WebhookVerificationError:
            return False
        return True

    return verify

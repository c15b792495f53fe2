"""What a worker process answers by HTTP: its metrics, and whether it lives. Off unless a port is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, Final

import msgspec
from aiohttp import web
from litestar.exceptions import NotFoundException

from pideai_host.api import ConfigurationError
from pideai_host.settings import Settings
from pideai_host.telemetry import exposition
from pideai_host.telemetry.pools import note_pools
from pideai_host.web.auth import Unauthenticated
from pideai_host.web.engine import Engine
from pideai_host.web.readiness import Readiness, refused_here
from pideai_host.web.routes import metrics
from pideai_host.web.routes.health import Live, Ready

_HEAD_MAX_BYTES: Final = 8_192
_encode: Final = msgspec.json.encode


@asynccontextmanager
async def worker_pages(settings: Settings, engine: Engine, port: int) -> AsyncIterator[int]:
    """Answer `/metrics`, `/health/live` and `/health/ready` while the block runs; gives the port, for 0 the one it got.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    app = web.Application(client_max_size=1)
    pages = _Pages(settings, engine)
    for path, page in ((metrics.PATH, pages.metrics), ("/health/live", pages.live), ("/health/ready", pages.ready)):
        app.router.add_get(path, page)
    runner = web.AppRunner(
        app, access_log=None, max_line_size=_HEAD_MAX_BYTES, max_field_size=_HEAD_MAX_BYTES, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        yield await _listen(runner, settings.worker_host, port)
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            hint="Set PIDEAI_WORKER_PORT to a port that is free; workers on one machine need one each.",
        ) from error
    found: int = runner.addresses[0][1]
    return found


class _Pages:
    def __init__(self, settings: Settings, engine: Engine) -> None:
        worker = engine.worker
        self._pools = [engine.pool, engine.engine_pool]
        self._host = SimpleNamespace(metrics_tokens=[token.encode() for token in settings.metrics_tokens])
        self._readiness = Readiness(
            engine.pool,
            None,
            worker_running=None if worker is None else lambda: worker.is_running,
            quarantined=engine.quarantine.reasons,
            hanging=engine.runner.all_stuck,
            missing_lanes=lambda: () if worker is None else worker.missing_lanes,
            refused=refused_here(engine.registry.records),
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """Write the metrics, for whom `metrics.require_reader` lets."""
        try:
            metrics.require_reader(_scope(request), self._host)
        except Unauthenticated as refused:
            return web.Response(status=401, text=refused.message, headers={"www-authenticate": refused.challenge})
        except NotFoundException:
            return web.Response(status=404)
        note_pools(self._pools)
        return web.Response(
            body=exposition(), headers={"content-type": metrics.MEDIA_TYPE, "cache-control": "no-store"}
        )

    async def live(self, _: web.Request) -> web.Response:
        """Answer as long as the loop does."""
        return _json(Live(), 200)

    async def ready(self, _: web.Request) -> web.Response:
        """Say whether deliveries can be made."""
        reasons = await self._readiness.reasons()
        if reasons:
            return _json(Ready(status="unavailable", reasons=reasons), 503)
        warnings = self._readiness.warnings()
        return _json(Ready(status="degraded" if warnings else "ok", reasons=warnings), 200)


def _json(body: Any, status: int) -> web.Response:
    return web.Response(body=_encode(body), status=status, content_type="application/json")


def _scope(request: web.Request) -> Any:
    """Return what `require_reader` looks at, as ASGI has it."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    headers = [
        (name.lower().encode("latin-1"), value.encode("utf-8", "surrogateescape"))
        for name, value in request.headers.items()
    ]
    return {"client": peer and (peer[0], peer[1]), "headers": headers}

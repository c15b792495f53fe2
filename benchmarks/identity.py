"""Identity: what authentication, ownership and request limits add to a request of an owner, in CPU.

The host's own layers before a handler that does nothing, beside the same handler bare. The requests are of many owners
in turn, each within the limits that the host has by default; CPU is this process's, which calls the application itself,
and PostgreSQL's.
"""

import itertools
from collections.abc import Callable
from contextlib import AsyncExitStack
from time import monotonic, process_time
from types import SimpleNamespace
from typing import Any, Final
from uuid import UUID, uuid4

import httpx
import msgspec
from litestar import Litestar, Router, get
from litestar.datastructures import State
from litestar.types import Message, Scope

from benchmarks.figures import Figure, alone, compared
from benchmarks.harness import Bench
from benchmarks.loop import on_workers_loop
from benchmarks.machine import cpu_s
from benchmarks.processes import BenchmarkFailed
from pideai_host.db.dev import create_demo_store
from pideai_host.db.pool import Pool, open_pool
from pideai_host.settings import Settings
from pideai_host.testing.tokens import TokenSigner
from pideai_host.web.access import REMEMBERED_S, StoreAccess
from pideai_host.web.auth import Verifier
from pideai_host.web.jwks import JwksCache
from pideai_host.web.problems import to_response
from pideai_host.web.request_limits import RequestLimits, add_limits
from pideai_host.web.requests import StrictRequest, add_request_id
from pideai_host.web.routes import below_store
from pideai_host.web.state import STATE_KEY

ISSUER: Final = "https://project.test/auth/v1"
OWNERS: Final = 20
"""For each round: so all rounds fit into what one may ask in a minute."""
REQUESTS: Final = 3_000
VERIFIED: Final = 5_000
_LIMITS: Final = Settings()


class Owner(msgspec.Struct, frozen=True):
    """An owner's store and token."""

    store_id: UUID
    token: str


async def run(bench: Bench) -> list[Figure]:
    """Measure, on the loop that the host runs on."""
    signer = TokenSigner(ISSUER)
    owners = []
    for number in range(OWNERS * (bench.options.rounds + 1)):
        owner_id = uuid4()
        store_id = await create_demo_store(
            bench.host.connection, owner_id=owner_id, subdomain=f"identity-{number}", name="Identity"
        )
        owners.append(Owner(store_id, signer.token(owner_id)))
    return await on_workers_loop(_measure(bench, signer, owners))


async def _measure(bench: Bench, signer: TokenSigner, owners: list[Owner]) -> list[Figure]:
    async with AsyncExitStack() as stack:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=signer.jwks()))
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport))
        keys = JwksCache(http, "http://auth.test/jwks.json")
        await keys.refresh()
        pool = await stack.enter_async_context(open_pool(bench.host.environ["DATABASE_URL"]))
        verifier = Verifier(keys, issuer=ISSUER)
        jumps = itertools.count(step=REMEMBERED_S)
        bare = _bare()
        remembering = _guarded(verifier, pool, monotonic)
        asking = _guarded(verifier, pool, lambda: float(next(jumps)))
        for app in (bare, remembering, asking):
            await _us(app, owners, bench.postgres_pid)  # warm
        rounds = [
            [await _us(app, owners, bench.postgres_pid) for app in (bare, remembering, asking)]
            for _ in range(bench.options.rounds)
        ]
        verified = [await _verify_us(verifier, owners[0].token) for _ in range(bench.options.rounds)]
    plain, remembered, asked = (list(one) for one in zip(*rounds, strict=True))
    return [
        compared("identity.request.cpu", "us/request", remembered, plain),
        alone("identity.added.cpu", "us/request", _differences(remembered, plain)),
        alone("identity.added_when_asked.cpu", "us/request", _differences(asked, plain)),
        alone("identity.verify.cpu", "us/token", verified),
    ]


def _differences(ours: list[float], theirs: list[float]) -> list[float]:
    return [mine - other for mine, other in zip(ours, theirs, strict=True)]


@get("/nothing")
async def nothing() -> None:
    """Do nothing."""


def _bare() -> Litestar:
    store = Router("/stores/{store_id:uuid}", route_handlers=[nothing])
    api = Router("/api", request_class=StrictRequest, route_handlers=[store])
    return _app(api, [add_request_id], None)


def _guarded(verifier: Verifier, pool: Pool, clock: Callable[[], float]) -> Litestar:
    """Build the host's layers; `clock` says how long ago the database was asked whose store it is."""
    host = SimpleNamespace(
        verifier=verifier,
        access=StoreAccess(pool, monotonic=clock),
        limits=RequestLimits(pool, per_user=_LIMITS.user_requests_per_min, per_store=_LIMITS.store_requests_per_min),
        answers=None,
        trusted_proxies=(),
        changed=None,
    )
    return _app(below_store([nothing]), [add_request_id, add_limits], host)


def _app(api: Router, before_send: list[Any], host: object) -> Litestar:
    return Litestar(
        [api],
        exception_handlers={Exception: to_response},
        before_send=before_send,
        openapi_config=None,
        logging_config=None,
        state=State({STATE_KEY: host}),
    )


async def _us(app: Litestar, owners: list[Owner], postgres_pid: int) -> float:
    """Return the CPU of a request, of this process and of PostgreSQL."""
    postgres_s, began_s = cpu_s(postgres_pid), process_time()
    for owner in itertools.islice(itertools.cycle(owners), REQUESTS):
        await _ask(app, owner)
    spent_s = process_time() - began_s + cpu_s(postgres_pid) - postgres_s
    return spent_s / REQUESTS * 1_000_000


async def _verify_us(verifier: Verifier, token: str) -> float:
    began_s = process_time()
    for _ in range(VERIFIED):
        await verifier.verify(token)
    return (process_time() - began_s) / VERIFIED * 1_000_000


async def _ask(app: Litestar, owner: Owner) -> None:
    path = f"/api/stores/{owner.store_id}/nothing"
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"host.test"), (b"authorization", b"Bearer " + owner.token.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(_as_scope(scope), receive, send)
    if statuses != [200]:
        raise BenchmarkFailed(f"an owner's request was answered {statuses}")


def _as_scope(scope: dict[str, Any]) -> Scope:
    return scope  # type: ignore[return-value] # a TypedDict that says the same

"""Whether this process can serve: asked by load balancers, often and by anyone, so the answer is kept for a second."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Final

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.alive import SILENCE_S, unserved
from pideai_host.plugins.records import LoadRecord, Phase, Status
from pideai_host.web.jwks import REFRESH_S, JwksCache

DATABASE_LIMIT_S: Final = 2.0
REMEMBERED_S: Final = 1.0
KEYS_OLD_S: Final = 2 * REFRESH_S
"""Age of the signing keys from which on something must be wrong with their server."""
_NONE: Final[Mapping[str, str]] = MappingProxyType({})
_QUARANTINED: Final = query(load("pideai_host.web", "sql/quarantined.sql"))
"""Asked in place of a mere `select 1`."""
_AT_START: Final = frozenset({Phase.MIGRATIONS, Phase.STARTUP})
"""Where a plugin is refused that was loaded."""
_UNSERVED: Final = f"enabled in a store, and no worker that was seen within {SILENCE_S:g} s serves its lane"
_WORKS: Final = query(load("pideai_host.web", "sql/worker_lives.sql"))


class Readiness:
    """Looks at the parts without which requests fail.

    Args:
        pool: Connections of the runtime role.
        keys: The signing keys of the project; None where tokens are judged otherwise.
        worker_running: Whether the worker inside this process runs; None when the process has none.
        quarantined: Slug -> why, of the plugins that this process does no work for. Those that no process does any work
            for are read from the database.
        hanging: Slug -> how many of the plugin's calls hang past their limit.
        missing_lanes: Lanes that the worker would serve if they existed.
        refused: Slug -> why, of the plugins that do without their routes, or whose own migrations are not applied.
        needs_worker: Whether a plugin has a lane at all. With no worker in here, one elsewhere is missed once this
            process has run for as long as a process may be silent: at a start, workers are given that time. So is one
            for each plugin that a store has enabled.
        monotonic: Clock in seconds.
    """

    def __init__(
        self,
        pool: Pool,
        keys: JwksCache | None,
        *,
        worker_running: Callable[[], bool] | None,
        quarantined: Mapping[str, str] = _NONE,
        hanging: Callable[[], Mapping[str, int]] = dict,
        missing_lanes: Callable[[], Collection[str]] = tuple,
        refused: Mapping[str, str] = _NONE,
        needs_worker: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._keys = keys
        self._worker_running = worker_running
        self._quarantined = quarantined
        self._hanging = hanging
        self._missing_lanes = missing_lanes
        self._refused = refused
        self._needs_worker = needs_worker and worker_running is None
        self._monotonic = monotonic
        self._started_s = monotonic()
        self._is_served = True
        self._unserved: list[str] = []
        self._lock = asyncio.Lock()
        self._known_until = -float("inf")
        self._reasons: dict[str, str] = {}
        self._quarantined_by_all: dict[str, str] = {}

    async def reasons(self) -> dict[str, str]:
        """Return what is missing: part -> why, in words for the operator; empty when all is well. Never raises."""
        async with self._lock:
            if self._monotonic() >= self._known_until:
                self._reasons = await self._look()
                self._known_until = self._monotonic() + REMEMBERED_S
            return self._reasons

    def warnings(self) -> dict[str, str]:
        """Return what goes wrong here although requests can be served: part -> what, for the operator."""
        hanging = {slug: f"calls hang past their limit: {count}" for slug, count in self._hanging().items()}
        quarantined = {
            slug: f"quarantined: {why}" for slug, why in [*self._quarantined.items(), *self._quarantined_by_all.items()]
        }
        nobodys = dict.fromkeys(self._unserved if self._is_served else (), _UNSERVED)
        told = (quarantined, hanging, self._refused, nobodys)
        plugins = {
            f"plugin {slug}": "; ".join(said[slug] for said in told if slug in said)
            for slug in sorted(set().union(*told))
        }
        lanes = {f"lane {lane}": "does not exist" for lane in sorted(self._missing_lanes())}
        return plugins | lanes | self._no_worker() | self._old_keys()

    def _no_worker(self) -> dict[str, str]:
        if self._is_served:
            return {}
        return {"worker": f"no process that makes deliveries was seen for {SILENCE_S:g} s; events are kept and wait"}

    def _old_keys(self) -> dict[str, str]:
        age_s = None if self._keys is None else self._keys.age_s
        return {"keys": f"not refreshed for {age_s:.0f} s"} if age_s is not None and age_s > KEYS_OLD_S else {}

    async def _look(self) -> dict[str, str]:
        reasons = {}
        if not await self._database_answers():
            reasons["database"] = f"no answer within {DATABASE_LIMIT_S:g} s"
        if self._keys is not None and not self._keys.is_usable:
            when = "are not loaded yet" if self._keys.age_s is None else "are too old to be trusted"
            reasons["keys"] = f"the signing keys of the Supabase project {when}"
        if self._worker_running is not None and not self._worker_running():
            reasons["worker"] = "the worker does not run"
        return reasons

    async def _database_answers(self) -> bool:
        try:
            async with asyncio.timeout(DATABASE_LIMIT_S), self._pool.connection() as connection:
                self._quarantined_by_all = dict(await (await connection.execute(_QUARANTINED)).fetchall())
                if self._monotonic() - self._started_s >= SILENCE_S:
                    self._unserved = await unserved(connection)
                    if self._needs_worker:
                        found = await (await connection.execute(_WORKS, {"silence_s": SILENCE_S})).fetchall()
                        self._is_served = bool(found)
        except (psycopg.Error, PoolTimeout, PoolClosed, OSError, TimeoutError):
            return False
        return True


def refused_here(records: Iterable[LoadRecord]) -> dict[str, str]:
    """Return slug -> why, of the plugins of which this process does without a part, or that it refused at its start."""
    return {one.slug: one.error or "" for one in records if one.status is Status.PARTIAL or one.phase in _AT_START}

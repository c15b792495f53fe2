"""What can be told of the host while it runs: who lives, what waits, what was set aside, and why deliveries fail."""

from collections import Counter
from datetime import timedelta
from typing import Final

from psycopg import errors

from pideai_host import __version__
from pideai_host.cli.checkup.database import Connection, rows, statement
from pideai_host.cli.checkup.findings import Finding, fault, note, ok, warning
from pideai_host.db.pool import Pool
from pideai_host.db.sql import load, query
from pideai_host.events.alive import SILENCE_S
from pideai_host.settings import Settings
from pideai_host.stores.rotation import Rotation
from pideai_host.stores.secrets import Sealer

LATE_S: Final = 120.0
STALE_S: Final = 90.0
SETTLED: Final = timedelta(seconds=30)
"""A process that has lived for so long would have said by now that it leads."""
_PROCESSES: Final = query(load("pideai_host.events", "sql/processes.sql"))
_UNSERVED: Final = query("select slug from pideai_host.unserved_plugins(%(silence_s)s) as slug")
_QUARANTINED: Final = query(load("pideai_host.events", "sql/quarantines_list.sql"))
_BREAKERS: Final = query(load("pideai_host.events", "sql/breakers_of_all.sql"))
_DOORS: Final = statement("doors")
_LANES: Final = statement("lanes")
_JOBS: Final = statement("jobs")
_FAILURES: Final = statement("failures")
_ASIDE: Final = statement("aside")


async def of_processes(connection: Connection) -> list[Finding]:
    """Tell who lives."""
    alive = [one for one in await rows(connection, _PROCESSES, silence_s=SILENCE_S) if one["is_alive"]]
    found = []
    has_worker = any(one["makes_deliveries"] for one in alive)
    for one in await rows(connection, _UNSERVED, silence_s=SILENCE_S) if has_worker else ():
        said = f"{one['slug']} is enabled in a store, and no worker serves its lane: its deliveries wait"
        hint = "Is it loaded (`pideai-host plugins list`), and among the --plugins of a worker?"
        found.append(fault("plugin", said, hint))
    if not has_worker:
        said = f"no process that makes deliveries was seen for {SILENCE_S:g} s: events are kept, and wait"
        found.append(fault("workers", said, "Start `pideai-host worker`, or `pideai-host serve` without --no-worker."))
    elif not any(one["leads"] for one in alive) and any(one["seen_at"] - one["started_at"] > SETTLED for one in alive):
        said = "no worker leads: nothing sweeps, replays or makes partitions"
        found.append(warning("workers", said, "Look at the workers' logs for scheduler_lost."))
    if not any(one["takes_events"] for one in alive):
        said = f"no process that serves HTTP was seen for {SILENCE_S:g} s"
        found.append(warning("server", said, "Start `pideai-host serve`; until then capture and sweep bring events."))
    versions = sorted({one["version"] for one in alive} - {__version__})
    if versions:
        said = f"processes of version {', '.join(versions)} run beside this one, {__version__}"
        found.append(note("versions", said, "While you update one after another, that is right."))
    for one in alive:
        for slug, why in sorted(one["quarantined"].items()):
            said = f"{slug} is left alone by process {one['pid']} on {one['host']}: {why}"
            found.append(warning("plugin", said, "Restart that process once the plugin is mended."))
    if alive and not found:
        kinds = Counter("worker" if one["makes_deliveries"] else "server" for one in alive)
        found.append(ok("processes", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))))
    return found


async def of_doors(connection: Connection, settings: Settings) -> list[Finding]:
    """Tell what brings changes of orders, and whether they are taken."""
    [doors] = await rows(connection, _DOORS)
    found = []
    if not doors["has_orders"]:
        found.append(fault("doors", "there is no table public.orders in this database", "Is it the shop's?"))
    elif not (doors["has_webhook"] or doors["has_capture"]):
        said = f"nothing tells of orders but the sweep, every {settings.sweep_interval_s} s"
        hint = "`pideai-host supabase webhooks sql` prints the webhook; `pideai-host supabase capture enable orders`."
        found.append(warning("doors", said, hint))
    else:
        names = [name for name in ("webhook", "capture") if doors[f"has_{name}"]]
        found.append(ok("doors", f"{' and '.join(names)} on public.orders"))
    if (doors["oldest_s"] or 0.0) > LATE_S:
        said = f"captured changes have waited for {doors['oldest_s']:.0f} s"
        found.append(warning("doors", said, "Does a worker run? Its log says capture_failed."))
    return found


async def of_lanes(connection: Connection) -> list[Finding]:
    """Tell where deliveries pile up."""
    return [
        warning(
            "lanes",
            f"{one['lane']}: {one['ready']} are ready, the oldest for {one['oldest_s']:.0f} s",
            "More workers, or a plugin that hangs or is slow: see its metrics pideai_calls_stuck, pideai_hook_seconds.",
        )
        for one in await rows(connection, _LANES)
        if (one["oldest_s"] or 0.0) > LATE_S and one["seen_s"] < STALE_S
    ]


async def of_plugins_left_alone(connection: Connection) -> list[Finding]:
    """Tell of plugins and installations that nothing is sent to."""
    found = [
        warning(
            "plugin",
            f"{one['plugin']} is left alone by all workers: {one['reason']}",
            f"Once it is mended: pideai-host plugins release {one['plugin']}",
        )
        for one in await rows(connection, _QUARANTINED)
    ]
    breakers: dict[str, list[str]] = {}
    for one in await rows(connection, _BREAKERS, limit=500):
        breakers.setdefault(one["plugin"], []).append(one["reason"] or "no reason given")
    for plugin, reasons in sorted(breakers.items()):
        said = f"{plugin}: the breakers of {len(reasons)} stores are open, the last: {reasons[0][:160]}"
        found.append(warning("breakers", said, "They try again by themselves; the owner can reset them in the panel."))
    return found


async def of_jobs(connection: Connection) -> list[Finding]:
    """Tell which of the plugins' jobs do not end well."""
    found = []
    for one in await rows(connection, _JOBS):
        what = "took too long" if one["outcome"] == "timeout" else "failed"
        said = f"{one['plugin']}: its job {one['job']} {what}, {one['failures']} times in a row: {one['error']}"
        found.append(warning("jobs", said, "GET /api/admin/jobs lists them; the log has plugin_job_failed."))
    return found


async def of_failures(connection: Connection) -> list[Finding]:
    """Tell why deliveries fail, alike ones together."""
    try:
        failures = await rows(connection, _FAILURES)
    except errors.QueryCanceled:
        return [note("deliveries", "there are too many of a day to look through for failures", "Look at the metrics.")]
    found = []
    for one in failures:
        state = "to be tried again" if one["status"] == "pending" else f"{one['status']} within an hour"
        code = "" if one["response_code"] is None else f" (status {one['response_code']})"
        reason = one["error"].splitlines()[0] if one["error"] else ""
        said = f"{one['plugin']}: {one['deliveries']} in {one['stores']} stores {state}{code}: {reason}"
        found.append(warning("deliveries", said, "GET /api/stores/{store_id}/deliveries shows each with its attempts."))
    return found or [ok("deliveries", "none failed within an hour, none waits to be tried again")]


async def of_aside(connection: Connection) -> list[Finding]:
    """Tell what was set aside."""
    [aside] = await rows(connection, _ASIDE)
    found = []
    if aside["bodies"]:
        said = f"{aside['bodies']} changes of a day were not understood, the last: {aside['reason']}"
        found.append(warning("quarantine", said, "GET /api/admin/quarantine shows them, and feeds them in again."))
    if aside["stuck"]:
        said = f"{aside['stuck']} installations are failed: a plugin's hook could neither be finished nor undone"
        found.append(warning("installations", said, "GET /api/stores/{store_id}/plugins tells why, as `state_reason`."))
    if aside["unconfigured"]:
        said = f"{aside['unconfigured']} installations have a configuration that their plugin's version cannot take"
        found.append(
            warning("installations", said, "Their deliveries wait; `pideai-host plugins configs` tells which, and why.")
        )
    return found


async def of_seals(pool: Pool, settings: Settings) -> list[Finding]:
    """Tell whether the stores' secrets open."""
    found = []
    for key in await Rotation(pool, Sealer(settings.master_keys)).keys():
        if not key.is_held and key.secrets:
            said = f"{key.secrets} secrets are sealed with key {key.kid}, which PIDEAI_MASTER_KEYS lacks"
            found.append(fault("keys", said, "Put that key back, behind the newest; without it they do not open."))
        elif key.secrets and not key.is_newest:
            said = f"{key.secrets} secrets are sealed with the older key {key.kid}"
            found.append(note("keys", said, "`pideai-host secrets rotate` seals them with the newest."))
    return found

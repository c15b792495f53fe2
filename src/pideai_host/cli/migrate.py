"""`pideai-host migrate`: the host's own migrations, and those of its plugins."""

import sys
from collections.abc import Iterable
from contextlib import redirect_stdout

import rich_click as click

from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db import migrate as migrations
from pideai_host.db.embedded import ensure_runtime_login
from pideai_host.db.migrate import MigrationState
from pideai_host.plugins.migrating import Applied, migrate_plugins, plugin_states, roll_back_plugin
from pideai_host.plugins.registry import Registry, load_registry
from pideai_host.settings import Settings
from pideai_host.stores.audit import record_migration


@click.command()
@click.option("--pgmq", is_flag=True, help="Install the queue engine pgmq where it is absent.")
@click.option("--status", "show_status", is_flag=True, help="List the migrations and when each was applied.")
@click.option("--dry-run", is_flag=True, help="List what would be applied, and change nothing.")
@click.option(
    "--rollback", type=click.IntRange(min=1), metavar="COUNT", help="Take the newest COUNT back, with their data."
)
@click.option("--plugin", "slug", metavar="SLUG", help="With --rollback: of this plugin, not of the host.")
def migrate(*, pgmq: bool, show_status: bool, dry_run: bool, rollback: int | None, slug: str | None) -> int:
    """Bring the database up to what this version and its plugins need; harmless to repeat, safe from several hosts.

    Works as the owner, by ADMIN_DATABASE_URL. The embedded server always gets pgmq. Each plugin has a schema of its
    own: a migration of a plugin that fails stops that plugin alone, and ends this command with exit code 1.
    """
    if pgmq + show_status + dry_run + (rollback is not None) > 1:
        raise click.UsageError("--pgmq, --status, --dry-run and --rollback exclude each other")
    if slug is not None and rollback is None:
        raise click.UsageError("--plugin goes with --rollback")
    with operator(), running_database(load_settings(), may_make=True) as settings:
        if show_status or dry_run:
            _show(settings, only_waiting=dry_run)
            return 0
        if rollback is not None:
            print(f"Took back: {_listed(_roll_back(settings, slug, rollback))}.")
            return 0
        url, variable = settings.admin_database_url or "", settings.admin_database_variable
        done = migrations.migrate(
            url, install_pgmq=pgmq or settings.embedded, variable=variable, witness=record_migration
        )
        print(f"Applied: {_listed(done)}.")
        if settings.embedded:
            ensure_runtime_login(url)
        return _tell(migrate_plugins(url, _loaded(settings), variable=variable, witness=record_migration))


def _roll_back(settings: Settings, slug: str | None, count: int) -> list[str]:
    url, variable = settings.admin_database_url or "", settings.admin_database_variable
    if slug is None:
        return migrations.roll_back(url, count, variable=variable, witness=record_migration)
    return roll_back_plugin(url, _loaded(settings), slug, count, variable=variable, witness=record_migration)


def _show(settings: Settings, *, only_waiting: bool) -> None:
    url, variable = settings.admin_database_url or "", settings.admin_database_variable
    rows = migrations.status(url, variable=variable)
    for slug, states in plugin_states(url, _loaded(settings), variable=variable).items():
        rows += [MigrationState(f"{slug}/{one.name}", one.applied_at) for one in states]
    for name, applied_at in rows:
        if applied_at is None or not only_waiting:
            print(f"{name:<60} {applied_at.isoformat(timespec='seconds') if applied_at else 'waiting'}")


def _tell(plugins: Iterable[Applied]) -> int:
    """Say what was done for each plugin; return the exit code."""
    code = 0
    for one in plugins:
        if one.names:
            print(f"Applied for plugin {one.slug}: {_listed(one.names)}.")
        if one.fault is not None:
            code = 1
            print(f"error: {one.fault.message}", file=sys.stderr)
            if one.fault.hint:
                print(f"hint: {one.fault.hint}", file=sys.stderr)
    return code


def _loaded(settings: Settings) -> Registry:
    with redirect_stdout(sys.stderr):  # what a plugin prints on import would spoil the output
        return load_registry(settings.plugins)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "nothing"

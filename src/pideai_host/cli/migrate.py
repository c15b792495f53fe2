"""`pideai-host migrate`."""

import rich_click as click

from pideai_host.cli.session import load_settings, running_database
from pideai_host.db import migrate as migrations
from pideai_host.db.embedded import ensure_runtime_login


@click.command()
@click.option("--pgmq", is_flag=True, help="Install the queue engine pgmq where it is absent.")
@click.option("--status", "show_status", is_flag=True, help="List the migrations and when each was applied.")
@click.option(
    "--rollback", type=click.IntRange(min=1), metavar="COUNT", help="Take the newest COUNT back, with their data."
)
def migrate(*, pgmq: bool, show_status: bool, rollback: int | None) -> None:
    """Bring the database up to what this version needs; harmless to repeat, safe from several hosts at once.

    Works as the owner, by ADMIN_DATABASE_URL. The embedded server always gets pgmq.
    """
    if pgmq + show_status + (rollback is not None) > 1:
        raise click.UsageError("--pgmq, --status and --rollback exclude each other")
    with running_database(load_settings()) as settings:
        url, variable = settings.admin_database_url or "", settings.admin_database_variable
        if show_status:
            for name, applied_at in migrations.status(url, variable=variable):
                print(f"{name:<60} {applied_at.isoformat(timespec='seconds') if applied_at else 'waiting'}")
            return
        if rollback is not None:
            print(f"Took back: {_listed(migrations.roll_back(url, rollback, variable=variable))}.")
            return
        print(
            f"Applied: {_listed(migrations.migrate(url, install_pgmq=pgmq or settings.embedded, variable=variable))}."
        )
        if settings.embedded:
            ensure_runtime_login(url)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"

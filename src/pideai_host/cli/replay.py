"""`pideai-host replay`: have deliveries and events go again, as the operator."""

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID, uuid4

import msgspec
import rich_click as click
from psycopg import errors

from pideai_host import telemetry
from pideai_host.api import ConfigurationError, slug_fault
from pideai_host.cli import replay_show as show
from pideai_host.cli.session import load_settings, operator, running_database
from pideai_host.db.pool import Pool, open_pool
from pideai_host.db.sql import load, query
from pideai_host.events.delivery_log import DeliveryLog, DeliveryStatus, LogFilter, LoggedEvent, Mark
from pideai_host.events.replay import ReplayedDelivery, ReplayedEvent, Replays
from pideai_host.events.replay_range import PER_S, UNDELIVERED, Preview, ReplayFilter, ReplayRanges, ReplayState
from pideai_host.events.replay_write import Order
from pideai_host.events.scope import EVERY_STORE, Scope
from pideai_host.events.time_range import range_fault
from pideai_host.settings import Settings

PER_S_MAX: Final = 1_000.0
LISTED: Final = 100
"""Events that `untaken` shows."""

_AGO: Final = re.compile(r"([0-9]{1,5})([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_STORE: Final = query(load("pideai_host.stores", "sql/store_named.sql"))

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def _instant(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    """Read a moment: an ISO 8601 date or time with its zone, or how long ago it was."""
    if value is None:
        return None
    ago = _AGO.fullmatch(value)
    if ago is not None:
        return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{value!r} is no time; write 3d, 12h, 30m, 2026-11-28 or 2026-11-28T08:00:00-04:00"
        ) from None
    if len(value) == len("2026-11-28"):
        return read.replace(tzinfo=UTC)
    if read.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no time zone; add Z or, say, -04:00")
    return read


def _slug(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    fault = None if value is None else slug_fault(value)
    if fault is not None:
        raise click.BadParameter(fault)
    return value


_RANGE: Final = (
    click.option("--store", metavar="STORE", help="Of this store, by its id or subdomain."),
    click.option("--all-stores", is_flag=True, help="Of every store."),
    click.option(
        "--since",
        metavar="TIME",
        callback=_instant,
        required=True,
        help="What came in since then: 3d, 12h, 30m, or a time.",
    ),
    click.option("--until", metavar="TIME", callback=_instant, help="And before then; now unless told otherwise."),
    click.option("--plugin", metavar="SLUG", callback=_slug, help="For this plugin only."),
    click.option("--type", "types", metavar="TYPE", multiple=True, help="Of this type of event; may be repeated."),
    click.option(
        "--status",
        "statuses",
        type=click.Choice([one.value for one in DeliveryStatus if one is not DeliveryStatus.PENDING]),
        multiple=True,
        default=[one.value for one in UNDELIVERED],
        show_default=True,
        help="That stand like this; may be repeated.",
    ),
    click.option("--untaken", is_flag=True, help="Events that no enabled installation took, instead of deliveries."),
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


def _range(command: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    for option in reversed(_RANGE):
        command = option(command)
    return command


@click.group()
def replay() -> None:
    """Have deliveries and events go again: what was not delivered as it is, what was delivered as a copy."""


@replay.command()
@_range
@_as_json
def preview(*, as_json: bool, **chosen: Any) -> None:
    """Count what a replay would deal with."""
    wanted = _wanted(chosen)
    counted = _run(lambda pool: _preview(pool, chosen, wanted))
    if as_json:
        print(msgspec.json.encode(counted).decode())
    else:
        print(show.preview_line(counted, untaken=wanted.only_untaken))


@replay.command()
@_range
@click.option(
    "--per-second",
    type=click.FloatRange(1.0, PER_S_MAX),
    default=PER_S,
    show_default=True,
    help="Deliveries a second, at most.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--follow", is_flag=True, help="Show its progress to its end; Ctrl-C leaves it running.")
def start(*, per_second: float, yes: bool, follow: bool, **chosen: Any) -> int:
    """Count, ask, and begin to replay a range; the workers do it, at its rate, whatever is restarted."""
    wanted = _wanted(chosen)
    with _database() as settings:
        counted = asyncio.run(_with_pool(settings, lambda pool: _preview(pool, chosen, wanted)))
        print(show.preview_line(counted, untaken=wanted.only_untaken))
        if counted == Preview(0, is_exact=True):
            return 0
        if not yes:
            click.confirm("Replay them?", abort=True)

        async def begin(pool: Pool) -> ReplayState:
            return await ReplayRanges(pool).begin(await _scope(pool, chosen), wanted, _order(uuid4()), per_s=per_second)

        begun = asyncio.run(_with_pool(settings, begin))
        print(f"Replay {begun.id} begins; `pideai-host replay status {begun.id}` tells how far it is.")
        if follow:
            return asyncio.run(_with_pool(settings, lambda pool: show.follow(ReplayRanges(pool), begun.id)))
    return 0


@replay.command()
@click.argument("replay_id", type=click.UUID, required=False)
@click.option("--follow", is_flag=True, help="Show the progress of one to its end.")
@_as_json
def status(*, replay_id: UUID | None, follow: bool, as_json: bool) -> int:
    """Show how far a replay is, or list the newest ones of all stores."""
    if follow:
        if replay_id is None:
            raise click.UsageError("--follow needs the replay's id")
        return _run(lambda pool: show.follow(ReplayRanges(pool), replay_id))

    async def read(pool: Pool) -> list[ReplayState]:
        ranges = ReplayRanges(pool)
        return [await ranges.get(EVERY_STORE, replay_id)] if replay_id else await ranges.list_newest(EVERY_STORE)

    found = _run(read)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif replay_id is not None:
        print(show.report(found[0]))
    else:
        show.table(found)
    return 0


@replay.command()
@click.argument("replay_id", type=click.UUID)
def cancel(*, replay_id: UUID) -> None:
    """Stop a replay; what it has put into a lane goes its way."""
    print(show.report(_run(lambda pool: ReplayRanges(pool).cancel(EVERY_STORE, replay_id))))


@replay.command()
@click.argument("subject", metavar="ID", type=click.UUID)
@click.option("--event", "is_event", is_flag=True, help="ID is an event's: make the deliveries that it lacks.")
@click.option("--key", type=click.UUID, help="Names this replay: with the same key again, nothing goes twice.")
@_as_json
def one(*, subject: UUID, is_event: bool, key: UUID | None, as_json: bool) -> None:
    """Replay one delivery, or with --event one event."""

    async def go(pool: Pool) -> ReplayedDelivery | ReplayedEvent:
        replays = Replays(pool, on_lanes=lambda _: None)  # the workers look once a second anyhow
        order = _order(key or uuid4())
        if is_event:
            return await replays.event(EVERY_STORE, subject, order)
        return await replays.delivery(EVERY_STORE, subject, order)

    done = _run(go)
    print(msgspec.json.encode(done).decode() if as_json else show.done_line(done))


@replay.command()
@click.argument("store")
@click.option("--since", metavar="TIME", callback=_instant, help="That came in since then: 3d, 12h, 30m, or a time.")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Of this type; may be repeated.")
@_as_json
def untaken(*, store: str, since: datetime | None, types: tuple[str, ...], as_json: bool) -> None:
    """List events of a STORE (id or subdomain) that no enabled installation took, the newest first."""

    async def read(pool: Pool) -> show.Untaken:
        store_id = await _store_id(pool, store)
        log = DeliveryLog(pool)
        items: list[LoggedEvent] = []
        after: Mark | None = None
        wanted = LogFilter(untaken=True, since=since, types=types)
        while len(items) < LISTED:
            page = await log.events(store_id, wanted, limit=LISTED - len(items), after=after)
            items += page.items
            after = page.following
            if after is None:
                break
        return show.Untaken(items, has_more=after is not None)

    found = _run(read)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        show.untaken_table(found)


@contextmanager
def _database() -> Iterator[Settings]:
    settings = load_settings()
    telemetry.set_up(level="warning", log_format=settings.log_format)  # what is done is said on stdout
    with operator(), running_database(settings) as running:
        yield running


def _run(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    with _database() as settings:
        return asyncio.run(_with_pool(settings, work))


async def _with_pool(settings: Settings, work: Callable[[Pool], Awaitable[Result]]) -> Result:
    url, variable = settings.database_url or "", settings.database_variable
    async with open_pool(url, min_size=1, max_size=2, name="pideai-host replay", variable=variable) as pool:
        try:
            return await work(pool)
        except (errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName) as error:
            raise ConfigurationError(
                f"the database lacks the host's tables: {error.diag.message_primary}",
                hint="Run `pideai-host migrate` first.",
            ) from error


async def _preview(pool: Pool, chosen: dict[str, Any], wanted: ReplayFilter) -> Preview:
    return await ReplayRanges(pool).preview(await _scope(pool, chosen), wanted)


async def _scope(pool: Pool, chosen: dict[str, Any]) -> Scope:
    return EVERY_STORE if chosen["all_stores"] else await _store_id(pool, chosen["store"])


async def _store_id(pool: Pool, name: str) -> UUID:
    async with pool.connection() as connection:
        row = await (await connection.execute(_STORE, {"name": name})).fetchone()
    if row is None:
        raise ConfigurationError(f"there is no store {name!r}", hint="Name it by its id or its subdomain.")
    store_id: UUID = row[0]
    return store_id


def _wanted(chosen: dict[str, Any]) -> ReplayFilter:
    if (chosen["store"] is None) == (not chosen["all_stores"]):
        raise click.UsageError("one of --store and --all-stores is needed")
    fault = range_fault(chosen["since"], chosen["until"])
    if fault is not None:
        raise click.UsageError(fault)
    return ReplayFilter(
        since=chosen["since"],
        until=chosen["until"],
        plugin=chosen["plugin"],
        types=tuple(chosen["types"]),
        statuses=tuple(DeliveryStatus(status) for status in chosen["statuses"]),
        only_untaken=chosen["untaken"],
    )


def _order(replay_id: UUID) -> Order:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        name = "without a name"
    return Order(f"operator {name}", replay_id)

"""`pideai-host plugins configs`: which stores' configurations wait for another version, theirs or the code's."""

import asyncio

import msgspec
import rich_click as click

from pideai_host.cli.session import load_settings, running_database
from pideai_host.db.pool import open_pool
from pideai_host.settings import Settings
from pideai_host.stores.waiting_configs import LISTED_MAX, WaitingConfig, WaitingConfigs


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Write them as a JSON array.")
def configs(*, as_json: bool) -> int:
    """List the configurations that are older or newer than their plugin's code; their deliveries wait.

    An older one is brought up by itself in the first seconds after new code started: one that stays says why. Exit code
    1 if there is any.
    """
    with running_database(load_settings()) as settings:
        found = asyncio.run(_all(settings))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        for one in found:
            print(_line(one))
        if len(found) == LISTED_MAX:
            print(f"… these are the first {LISTED_MAX}.")
        if not found:
            print("All configurations are of their plugin's version.")
    return int(bool(found))


def _line(one: WaitingConfig) -> str:
    why = f": {one.config_fault}" if one.config_fault else ""
    rest = "" if one.enabled else " (disabled)"
    return (
        f"{one.plugin}, store {one.store_id}{rest}: {one.status}, of version {one.config_version}"
        f" where {one.wanted_version} is wanted{why}"
    )


async def _all(settings: Settings) -> list[WaitingConfig]:
    url, variable = settings.database_url or "", settings.database_variable
    async with open_pool(url, min_size=1, max_size=1, name="pideai-host plugins", variable=variable) as pool:
        return await WaitingConfigs(pool).all()

"""Forgets whose old changes were, and tells the operator when a trigger speaks again for stores that are cut over."""

from typing import Final

from pideai_host.api import ConfigurationError, JobContext, PluginJob
from pideai_whatsapp.statements import statement

INTERVAL_S: Final = 300.0


async def look_after_cutover(job: JobContext) -> None:
    """Prune, and look at the six triggers as `pideai-host whatsapp status` does.

    Raises:
        ConfigurationError: one was replaced; a job that fails is what the host's doctor and metrics tell of.
    """
    await job.db.execute(statement("cutover_prune"))
    row = await job.db.fetch_one(statement("cutover_replaced"))
    if row is not None and row["names"]:
        raise ConfigurationError(
            f"somebody replaced {', '.join(row['names'])}: stores that are cut over may be told everything twice",
            hint="See `pideai-host whatsapp status`, and run `pideai-host whatsapp cutover` for any store.",
        )


CUTOVER_UPKEEP: Final = PluginJob(name="look_after_cutover", interval_s=INTERVAL_S, run=look_after_cutover)

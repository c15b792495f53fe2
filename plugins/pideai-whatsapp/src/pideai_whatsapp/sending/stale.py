"""Messages that nobody works on any more, closed where the owner sees them.

A delivery can end without its plugin being called: it expires, its worker dies, its event was never written. What was
written down and never claimed then fails; what was claimed is unknown, and a receipt may still settle it.
"""

from typing import Final

from pideai_host.api import JobContext, PluginJob
from pideai_whatsapp.sending.earlier import NO_ANSWER
from pideai_whatsapp.statements import statement

INTERVAL_S: Final = 300.0
NEW_AFTER_S: Final = 10_800.0
"""A delivery ends after two hours at most, and whoever released it may have been slow."""
CLAIMED_AFTER_S: Final = 300.0
"""No call lasts as long."""
BATCH: Final = 500
PRUNE_INTERVAL_S: Final = 21_600.0
PRUNE_AFTER_DAYS: Final = 60
PRUNE_BATCH: Final = 5_000

EXPIRED: Final = "El mensaje no se pudo enviar a tiempo; caducó."


async def close_stale(job: JobContext) -> None:
    """Close what is stale, of all stores, `BATCH` messages at a time."""
    params = {
        "new_after_s": NEW_AFTER_S,
        "claimed_after_s": CLAIMED_AFTER_S,
        "limit": BATCH,
        "new_error": EXPIRED,
        "claimed_error": NO_ANSWER,
    }
    while (row := await job.db.fetch_one(statement("close_stale"), params)) is not None and any(row.values()):
        job.log.info("whatsapp messages closed", failed=row["failed"], unknown=row["unknown"])


async def prune(job: JobContext) -> None:
    """Forget what was settled long ago, of all stores; ``whatsapp_messages`` keeps what the owner looks at."""
    params = {"after_days": PRUNE_AFTER_DAYS, "limit": PRUNE_BATCH}
    while await job.db.execute(statement("prune_sends"), params) == PRUNE_BATCH:
        pass


STALE_SENDS: Final = PluginJob(name="stale_sends", interval_s=INTERVAL_S, run=close_stale)
OLD_SENDS: Final = PluginJob(name="old_sends", interval_s=PRUNE_INTERVAL_S, run=prune)
